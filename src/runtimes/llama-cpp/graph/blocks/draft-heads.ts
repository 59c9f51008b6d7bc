import type { GraphContext, GraphResult } from "../context.ts";
import { add, cast, filled, mul, unary } from "../ops/elementwise.ts";
import { argmax, getRows, mulMat, topK } from "../ops/products.ts";
import { concat, cont, pad, permute, repeat, reshape, view } from "../ops/shapes.ts";
import { F32, type GraphTensor } from "../tensor.ts";
import { atTargetTokens, type Drafted } from "./draft-vocabulary.ts";
import { projectUnscaled, scaled } from "./projection.ts";

/*
 * Heads over the logits of a draft that fills in blocks of tokens (`src/models/dflash.cpp`). A block is what one sequence
 * has of the batch.
 */

/**
 * Each place of a block is biased by the token before it, and may say how sure it is of its own
 * (`build_dspark_markov_head`). Batches of more places than a block has are left alone.
 */
export function markovHead(g: GraphContext, drafted: Drafted): GraphResult {
  const { tokens, logits, embedding } = drafted;
  const [vocabulary, count] = logits.ne;
  const blocks = g.sequences;
  const places = count / blocks;
  if (places > g.hp.number("block_size", 0)) return drafted;
  const judge = g.weights.projection("conf_proj");
  const isJudged = judge.weight !== undefined;
  const place = (x: GraphTensor, width: number): GraphTensor => view(x, [width, blocks], [places * x.nb[1]]);
  const biased: GraphTensor[] = [];
  const sure: GraphTensor[] = [];
  const fromAnchor = g.hp.flag("sample_from_anchor", true);
  if (!fromAnchor) {
    biased.push(cont(place(logits, vocabulary)));
    if (isJudged) sure.push(unary(cont(place(logits, 1))));
  }
  let previous = cont(view(tokens, [1, blocks], [places * tokens.nb[0]]), blocks);
  for (let index = fromAnchor ? 0 : 1; index < places; index++) {
    const before = getRows(g.weights.get("markov_w1.weight"), previous);
    const bias = scaled(mulMat(g.weights.get("markov_w2.weight"), before), g.weights.find("markov_w2.scale"));
    const column = add(place(logits, vocabulary), atTargetTokens(g, bias));
    biased.push(column);
    if (isJudged) {
      const features = concat(cont(place(embedding, embedding.ne[0])), before, 0);
      sure.push(unary(projectUnscaled(judge, features)));
    }
    previous = argmax(column);
  }
  const inOrder = (columns: readonly GraphTensor[], width: number): GraphTensor => {
    const joined = columns.reduce((all, column) => concat(all, column, 1));
    return reshape(cont(permute(reshape(joined, width, blocks, places), 0, 2, 1, 3)), width, count);
  };
  const nextHidden = isJudged ? g.expand(repeat(inOrder(sure, 1), ...embedding.ne)) : undefined;
  return { embedding, logits: g.expand(inOrder(biased, vocabulary)), ...(nextHidden && { nextHidden }) };
}

/** The best tokens of each place, with how well each follows each of the place before (`build_dflash2_selector`). */
export function selector(g: GraphContext, drafted: Drafted): GraphResult {
  const { tokens, logits, embedding } = drafted;
  const { hp, weights, sequences: blocks } = g;
  const best = hp.number("selector_top_k", 0);
  const rank = hp.number("selector_rank", 0);
  const perBlock = g.tokens / blocks;
  const size = Math.min(perBlock, hp.number("block_size", 0));
  const candidates = topK(logits, best);
  const rows = reshape(logits, 1, logits.ne[0], g.tokens);
  const byBlock = (x: GraphTensor, width: number): GraphTensor => reshape(x, width, perBlock, blocks);
  const chosen = byBlock(candidates, best);
  const own = byBlock(reshape(getRows(rows, candidates), best, g.tokens), best);
  const gate = byBlock(mulMat(weights.get("selector_hidden.weight"), embedding), rank);
  const run = (x: GraphTensor, places: number): GraphTensor =>
    cont(view(x, [x.ne[0], places, blocks], [x.nb[1], x.nb[2]]));

  const scored = (places: number, before: GraphTensor): GraphTensor => {
    const ids = run(chosen, places);
    const ownRun = run(own, places);
    const gateRun = run(gate, places);
    const count = before.ne[0] / (places * blocks);
    const next = getRows(weights.get("selector_successor.weight"), reshape(ids, best * places * blocks));
    const previous = reshape(getRows(weights.get("selector_predecessor.weight"), before), rank, count, places, blocks);
    const gated = mul(previous, repeat(reshape(gateRun, rank, 1, places, blocks), ...previous.ne));
    const pairs = mulMat(reshape(next, rank, best, places, blocks), gated);
    const square = count === 1 ? repeat(pairs, best, best, places, blocks) : pairs;
    const score = add(square, repeat(reshape(ownRun, best, 1, places, blocks), ...square.ne));
    const row = concat(cast(ids, F32), reshape(score, best * best, places, blocks), 0);
    return pad(row, hp.hiddenSize - best - best * best);
  };

  let packed = filled([hp.hiddenSize, 1, blocks]);
  if (size > 1) {
    const anchors = cont(view(tokens, [1, blocks], [perBlock * tokens.nb[0]]), blocks);
    packed = concat(packed, scored(1, anchors), 1);
  }
  if (size > 2) {
    const before = reshape(run(chosen, size - 2), best * (size - 2) * blocks);
    packed = concat(packed, scored(size - 2, before), 1);
  }
  return { embedding, logits, nextHidden: g.expand(reshape(packed, hp.hiddenSize, size * blocks)) };
}
