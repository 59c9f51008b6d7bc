import { refuse } from "../../../refuse.ts";
import type { GraphContext } from "../context.ts";
import { softMax, unary } from "../ops/elementwise.ts";
import { getRows, mulMat } from "../ops/products.ts";
import { cont, transpose } from "../ops/shapes.ts";
import { F32, type GraphTensor, I32, inputTensor } from "../tensor.ts";
import { modelNorm } from "./norm.ts";
import { projectUnscaled } from "./projection.ts";

/** `llama_pooling_type`, by its number in the file. All others, -1 for one, pool nothing. */
const MEAN = 1;
const FIRST = 2;
const LAST = 3;
const RANK = 4;
const POOLS: ReadonlySet<number> = new Set([MEAN, FIRST, LAST]);

/** Rerankers whose scores are made chances. */
const SOFTENED: ReadonlySet<string> = new Set(["qwen3", "qwen3vl"]);

/** One row for each sequence, and the dense layers after it (`build_pooling`, `build_dense_out`). */
export function pooled(g: GraphContext, embedding: GraphTensor): GraphTensor {
  const type = g.hp.number("pooling_type", 0);
  const perSequence = POOLS.has(type) ? onePerSequence(g, embedding, type) : embedding;
  const rows = g.expand(type === RANK ? ranked(g, embedding) : perSequence);
  const second = g.weights.projection("dense_2");
  const third = g.weights.find("dense_3.weight");
  let y = second.weight === undefined ? rows : projectUnscaled(second, rows);
  if (third !== undefined) y = mulMat(third, y);
  return y === rows ? rows : g.expand(y);
}

function onePerSequence(g: GraphContext, embedding: GraphTensor, type: number): GraphTensor {
  if (type === MEAN) {
    refuseMeanOfSome(g, embedding.ne[1]);
    return mulMat(cont(transpose(embedding)), inputTensor(F32, [g.tokens, g.sequences]));
  }
  return getRows(embedding, inputTensor(I32, [g.sequences]));
}

/** The mean is of all tokens: the engine breaks off where some are not put out (`ggml_can_mul_mat`, `ggml/src/ggml.c:3345`). */
function refuseMeanOfSome({ tokens, sequences }: GraphContext, putOut: number): void {
  if (putOut === tokens) return;
  refuse(
    "embeddings",
    `llama.cpp breaks off on the mean of ${tokens} tokens, ${putOut} of which it puts out: take microBatchTokens that ${sequences} divides, and as many outputs`,
  );
}

/** Rerankers that take the mean of a sequence, not one of its tokens. */
const RANKS_BY_MEAN: ReadonlySet<string> = new Set(["modern-bert"]);

/** The head of a reranker. */
function ranked(g: GraphContext, embedding: GraphTensor): GraphTensor {
  const { weights, hp } = g;
  let y = onePerSequence(g, embedding, RANKS_BY_MEAN.has(hp.architecture) ? MEAN : RANK);
  const first = weights.projection("cls");
  if (first.weight !== undefined) {
    y = unary(projectUnscaled(first, y));
    if (weights.find("cls.norm.weight") !== undefined) y = modelNorm(g, "cls.norm", y, "layer");
  }
  const output = weights.projection("cls.output");
  if (output.weight !== undefined) y = projectUnscaled(output, y);
  return SOFTENED.has(hp.architecture) ? softMax(y) : y;
}
