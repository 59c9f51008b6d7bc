import { EMBEDDING } from "../../tensor-place.ts";
import { attendCache, type CacheInputs, cacheInputs } from "../blocks/attention.ts";
import { head } from "../blocks/head.ts";
import { isLast, layers } from "../blocks/layers.ts";
import { type ResidualParts, residualLayer } from "../blocks/residual.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { add, cast, clamp, mul, rope, scale, unary } from "../ops/elementwise.ts";
import { getRows, mulMat, mulMatOfExperts } from "../ops/products.ts";
import { cont, pad, reshape, view } from "../ops/shapes.ts";
import { F32, type GraphTensor, I32, inputTensor } from "../tensor.ts";
import { type BlockWeights, MissingWeight } from "../weights.ts";

/** Granite whose tokens each switch the adapter that is added to every matrix (`src/models/granite-switch.cpp`). */
export const graniteSwitch: GraphBuilder = (g) => {
  const inputs = cacheInputs(g);
  const rows = getRows(g.weights.get(EMBEDDING), inputTensor(I32, [g.tokens]));
  const embeddings = g.hp.number("embedding_scale", 0) !== 0 ? scale(rows) : rows;
  const options = { scalesParts: scalesParts(g) };
  let adapters = adaptersOfTokens(g, inputs);
  const x = layers(g, embeddings, (x, block) => {
    const parts: ResidualParts = {
      attention: (y) => attention(g, inputs, block, y, adapters),
      feedForward: (y) => {
        adapters = putOutNumbers(g, block, adapters);
        return feedForward(block, y, adapters);
      },
    };
    return residualLayer(g, block, x, parts, options);
  });
  return head(g, x, { scaledLogits: true });
};

/** What is added to the hidden states is multiplied with a number where the file has one. */
export function scalesParts({ hp }: GraphContext): boolean {
  return hp.number("residual_scale", 0) !== 0;
}

/**
 * Which adapter each token has: the attention of one head, whose values are the adapters' numbers, finds the last token
 * that chose one. Only the first element of a head carries anything.
 */
function adaptersOfTokens(g: GraphContext, inputs: CacheInputs): GraphTensor {
  // The router is the block after the layers (`router_layer`).
  const router = g.hp.layerCount;
  const signal = (): GraphTensor =>
    pad(reshape(inputTensor(F32, [g.tokens]), 1, 1, g.tokens), g.hp.valueDim(router) - 1);
  const found = attendCache(g, inputs, router, { q: signal(), k: signal(), v: signal() }, undefined);
  const numbers = reshape(cont(view(found, [1, g.tokens], [found.nb[1]])), g.tokens);
  return cast(unary(clamp(numbers)), I32);
}

/** The numbers of the tokens that are put out: rows of one element. */
function putOutNumbers(g: GraphContext, block: BlockWeights, numbers: GraphTensor): GraphTensor {
  if (!isLast(g, block)) return numbers;
  return reshape(getRows(reshape(numbers, 1, numbers.ne[0]), g.outputRows()), g.outputs);
}

function attention(
  g: GraphContext,
  inputs: CacheInputs,
  block: BlockWeights,
  x: GraphTensor,
  adapters: GraphTensor,
): GraphTensor {
  const { hp, tokens } = g;
  const il = block.index;
  const joint = mulMat(block.need("attn_qkv"), x);
  const part = (name: "q" | "k" | "v", heads: number): GraphTensor => {
    const dim = hp.valueDim(il);
    const rows = cont(view(joint, [dim * heads, tokens], [joint.nb[1]]));
    return reshape(add(rows, adapted(block, `attn_${name}`, x, adapters)), dim, heads, tokens);
  };
  const turned = (y: GraphTensor): GraphTensor =>
    hp.flag("rope.scaling.finetuned", true) ? rope(y, g.positions(), g.rotaryFactors(il)) : y;
  const queried = {
    q: turned(part("q", hp.heads(il))),
    k: turned(part("k", hp.kvHeads(il))),
    v: part("v", hp.kvHeads(il)),
  };
  return switched(block, "attn_output", attendCache(g, inputs, il, queried, undefined), adapters);
}

function feedForward(block: BlockWeights, x: GraphTensor, adapters: GraphTensor): GraphTensor {
  const gate = switched(block, "ffn_gate", x, adapters);
  const up = switched(block, "ffn_up", x, adapters);
  return switched(block, "ffn_down", mul(unary(gate), up), adapters);
}

/** A product with a matrix and with that of the adapter of each token. */
function switched(block: BlockWeights, name: string, x: GraphTensor, adapters: GraphTensor): GraphTensor {
  return add(mulMat(block.need(name), x), adapted(block, name, x, adapters));
}

/** Rows times the two narrow matrices of the adapter that their token has. */
function adapted(block: BlockWeights, name: string, x: GraphTensor, adapters: GraphTensor): GraphTensor {
  const down = block.plain(`${name}.lora_a`);
  const up = block.plain(`${name}.lora_b`);
  if (down === undefined || up === undefined) throw new MissingWeight(`of an adapter of ${name}`);
  const [width, tokens] = x.ne;
  const rows = reshape(x, width, 1, tokens);
  const numbers = reshape(adapters, 1, tokens);
  const y = mulMatOfExperts(up, mulMatOfExperts(down, rows, numbers), numbers);
  return reshape(y, y.ne[0], tokens);
}
