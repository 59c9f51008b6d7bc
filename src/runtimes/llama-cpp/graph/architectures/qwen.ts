import { EMBEDDING } from "../../tensor-place.ts";
import { type DecoderForm, decoders } from "../blocks/decoder.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { add, scale } from "../ops/elementwise.ts";
import { concat, repeat, view } from "../ops/shapes.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";

/** Layers whose input rows carry what the first layers of the image encoder saw (`n_deepstack_layers`). */
const deepLayers = (g: GraphContext): number => g.hp.number("n_deepstack_layers", 0);

/** The first layers add their part of the input row. */
function addStacked(g: GraphContext, { index }: BlockWeights, x: GraphTensor, embedded: GraphTensor): GraphTensor {
  if (index >= deepLayers(g)) return x;
  return add(x, view(embedded, [g.hp.hiddenSize, g.tokens], [embedded.nb[1]]));
}

/** Tokens that are read but never said have no row in the output matrix, and no chance (`src/models/qwen3vl.cpp`). */
function padUnsaid({ weights }: GraphContext, logits: GraphTensor): GraphTensor {
  const unsaid = weights.get(EMBEDDING).ne[1] - logits.ne[0];
  if (unsaid <= 0) return logits;
  const nothing = scale(view(weights.get("output_norm.weight"), [1]));
  return concat(repeat(nothing, unsaid, logits.ne[1]), logits, 0);
}

/** Positions are time, height, width, and one that is not used (`n_pos_per_embd`). */
const IN_SPACE = { positionsPerToken: 4 } as const;

/** Rows hold the embedding, and after it a part for each of the first layers. */
const STACKED: DecoderForm = {
  ...IN_SPACE,
  embeddings: (g) => tokenEmbeddings(g, { inputSize: g.hp.hiddenSize * (1 + deepLayers(g)) }),
  after: addStacked,
};

const QWEN_3_VL: DecoderForm = { ...STACKED, head: { finish: padUnsaid } };

/** Qwen until the third, each `src/models/<its name>.cpp`; Qwen3-TTS talks in tokens. */
export const QWEN: Readonly<Record<string, GraphBuilder>> = decoders({
  qwen: {},
  qwen2: {},
  qwen2moe: { mixture: { normalized: false, shared: "gated by silu" } },
  qwen2vl: { ...IN_SPACE, head: { unbiased: true } },
  qwen3: { mixture: { scales: "all" } },
  qwen3moe: { mixture: { scales: "experts" } },
  qwen3tts: QWEN_3_VL,
  qwen3vl: QWEN_3_VL,
  qwen3vlmoe: STACKED,
});
