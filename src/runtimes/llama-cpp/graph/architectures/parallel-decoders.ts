import {
  type DecoderForm,
  feedForwardAfter,
  feedForwardOrExperts,
  plainDecoder,
  type SecondHalf,
} from "../blocks/plain-decoder.ts";
import type { GraphBuilder } from "../context.ts";
import { add } from "../ops/elementwise.ts";
import type { GraphTensor } from "../tensor.ts";

/** The order in which residual, attention and feed-forward are added. */
type Sum = (x: GraphTensor, attended: GraphTensor, fed: GraphTensor) => GraphTensor;

/** Decoders whose feed-forward reads what the attention reads, each by its file in `src/models/`. */
const FORMS: Readonly<Record<string, readonly [DecoderForm, Sum]>> = {
  "command-r": [
    { norm: "layer", multipliers: (hp) => ({ logits: hp.number("logit_scale", 0) }) },
    (x, attended, fed) => add(add(fed, x), attended),
  ],
  falcon: [{ norm: "layer", activation: "gelu" }, (x, attended, fed) => add(add(fed, attended), x)],
  phi2: [{ norm: "layer", activation: "gelu", scalesQueries: true }, (x, attended, fed) => add(add(attended, fed), x)],
  plamo: [{}, (x, attended, fed) => add(add(fed, attended), x)],
};

function feedForwardBeside(sum: Sum): SecondHalf {
  return (g, form, block, { x, normed, attended }) => sum(x, attended, feedForwardOrExperts(g, form, block, normed));
}

const beside = feedForwardBeside((x, attended, fed) => add(fed, add(attended, x)));
const after = feedForwardAfter();

/** StableLM (`src/models/stablelm.cpp`): side by side where a layer has one norm. */
const stablelm = plainDecoder({ norm: "layer" }, (g, form, block, parts) =>
  (block.weight("ffn_norm") === undefined ? beside : after)(g, form, block, parts),
);

export const PARALLEL_DECODERS: Readonly<Record<string, GraphBuilder>> = {
  ...Object.fromEntries(
    Object.entries(FORMS).map(([name, [form, sum]]) => [name, plainDecoder(form, feedForwardBeside(sum))]),
  ),
  stablelm,
};
