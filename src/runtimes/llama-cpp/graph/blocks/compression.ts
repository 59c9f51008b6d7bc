import type { GraphContext } from "../context.ts";
import { add, mul, rope, scale, softMax, sumRows } from "../ops/elementwise.ts";
import { getRows, mulMat, setRows } from "../ops/products.ts";
import { concat, cont, permute, reshape, view } from "../ops/shapes.ts";
import { F16, F32, type GraphTensor, I32, I64, inputTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";
import { rotated } from "./attention.ts";
import { norm } from "./norm.ts";

/* Rows that stand for several tokens each, and the unfinished ones of each sequence (`src/models/deepseek4.cpp`). */

/** What compressing tells: where the batch's tokens go, which finished rows are written, and what each token may see. */
export type CompressionInputs = {
  readonly positions: GraphTensor;
  readonly kept: RowMove;
  readonly restored: RowMove | undefined;
  readonly noted: RowMove | undefined;
  readonly read: GraphTensor;
  readonly written: GraphTensor;
  readonly writtenPositions: GraphTensor;
  readonly mask: GraphTensor;
  readonly rotation: GraphTensor | undefined;
};

/** Rows that are copied, from their numbers to others. */
type RowMove = { readonly from: GraphTensor; readonly to: GraphTensor };

/** A cache of compressed rows. */
export type Compressor = {
  /** Tokens that a row stands for. */
  readonly ratio: number;
  /** A row reads the run of tokens before its own as well. */
  readonly overlaps: boolean;
  readonly role: "compressed" | "index";
  /** Elements of a row. */
  readonly dim: number;
  /** Name of its weights: `attn_compressor` or `indexer_compressor`. */
  readonly name: string;
};

/** Inputs of the worst case that memory is reserved for (`dsv4_build_reserve_comp_plan`). */
export function compressionInputs(
  g: GraphContext,
  { ratio, overlaps, role, dim }: Compressor,
  cells: number,
): CompressionInputs {
  const { tokens, sequences } = g;
  const finished = Math.floor(tokens / ratio) + sequences;
  const held = stateRows(ratio, overlaps) * sequences;
  const { rollbackRows } = g.subject.settings;
  const move = (count: number): RowMove => ({ from: inputTensor(I32, [count]), to: inputTensor(I32, [count]) });
  const isHalf = role === "index" || g.fused.flashAttention;
  return {
    positions: inputTensor(I32, [tokens]),
    kept: move(Math.min(tokens, held)),
    restored: rollbackRows > 0 ? move(held) : undefined,
    noted: rollbackRows > 0 ? move(rollbackRows * held) : undefined,
    read: inputTensor(I32, [(overlaps ? 2 : 1) * ratio * finished]),
    written: inputTensor(I64, [finished]),
    writtenPositions: inputTensor(I32, [finished]),
    mask: inputTensor(isHalf ? F16 : F32, [cells, tokens / sequences, 1, sequences]),
    rotation: g.caches.keyRotation(dim),
  };
}

/** Writes the rows that the batch finishes to their cache, and keeps what is unfinished. */
export function compress(
  g: GraphContext,
  block: BlockWeights,
  x: GraphTensor,
  compressor: Compressor,
  inputs: CompressionInputs,
): void {
  const { name, role } = compressor;
  const il = block.index;
  const rows = mulMat(block.need(`${name}_kv`), x);
  const scores = add(mulMat(block.need(`${name}_gate`), x), getRows(block.need(`${name}_ape`), inputs.positions));
  const state = { rows: stateOf(g, il, compressor, "rows"), scores: stateOf(g, il, compressor, "scores") };
  const count = stateRows(compressor.ratio, compressor.overlaps) * g.sequences;
  const all = { rows: moved(state.rows, inputs.restored), scores: moved(state.scores, inputs.restored) };
  const held = (each: GraphTensor): GraphTensor => view(each, [each.ne[0], count], [each.nb[1]]);
  const finished = finishedRows(g, block, compressor, inputs, {
    rows: concat(held(all.rows), rows, 1),
    scores: concat(held(all.scores), scores, 1),
  });
  g.expand(g.caches.storeKeys(il, rotated(finished, inputs.rotation), inputs.written, role));
  if (inputs.noted !== undefined) {
    const { from, to } = inputs.noted;
    const noted = [
      setRows(state.rows(), getRows(concat(all.rows, rows, 1), from), to),
      setRows(state.scores(), getRows(concat(all.scores, scores, 1), from), to),
    ];
    for (const each of noted) g.expand(each);
  }
  const { from, to } = inputs.kept;
  g.expand(setRows(state.rows(), getRows(rows, from), to));
  g.expand(setRows(state.scores(), getRows(scores, from), to));
}

type RowsAndScores = { readonly rows: GraphTensor; readonly scores: GraphTensor };

/** A weighted mean of the tokens that a row stands for, normed and rotated, `[dim, 1, rows]`. */
function finishedRows(
  g: GraphContext,
  block: BlockWeights,
  { ratio, overlaps, dim, name }: Compressor,
  { read, writtenPositions }: CompressionInputs,
  source: RowsAndScores,
): GraphTensor {
  const blocks = writtenPositions.ne[0];
  const picked = overlaps
    ? {
        rows: overlapping(source.rows, read, dim, ratio, blocks),
        scores: overlapping(source.scores, read, dim, ratio, blocks),
      }
    : {
        rows: reshape(getRows(source.rows, read), dim, ratio, blocks),
        scores: reshape(getRows(source.scores, read), dim, ratio, blocks),
      };
  const byToken = (y: GraphTensor): GraphTensor => cont(permute(y, 1, 0, 2, 3));
  const mean = byToken(sumRows(mul(byToken(picked.rows), softMax(byToken(picked.scores)))));
  return rope(norm(g, mean, block.weight(`${name}_norm`), "rms", block.index), writtenPositions);
}

/** First halves of the run before, then second halves of a row's own: `[dim, 2 x ratio, rows]`. Before the first run are zeros. */
function overlapping(source: GraphTensor, read: GraphTensor, dim: number, ratio: number, blocks: number): GraphTensor {
  const zeros = reshape(scale(view(source, [source.ne[0]])), source.ne[0], 1);
  const rows = getRows(concat(source, zeros, 1), read);
  const half = (): GraphTensor => reshape(cont(view(rows, [dim, ratio * blocks], [rows.nb[1]])), dim, ratio, blocks);
  return concat(half(), half(), 1);
}

/** Rows of a compressor that one sequence holds. */
function stateRows(ratio: number, overlaps: boolean): number {
  return overlaps ? 2 * ratio : ratio;
}

/** A way to look at all rows of a state, each time a node of its own (`get_kv_all`). */
function stateOf(
  g: GraphContext,
  layer: number,
  { ratio, overlaps, dim, role }: Compressor,
  part: "rows" | "scores",
): () => GraphTensor {
  const width = overlaps ? 2 * dim : dim;
  const rows = stateRows(ratio, overlaps);
  const planes = g.sequences * (1 + g.subject.settings.rollbackRows);
  const state = g.caches.compressorState(layer, `${role} ${part}`, width, rows, planes);
  return () => view(state, [width, rows * planes], [state.nb[1]]);
}

/** A state whose rows are set back to earlier ones first, where that can be. */
function moved(state: () => GraphTensor, rows: RowMove | undefined): GraphTensor {
  const all = state();
  return rows === undefined ? all : setRows(state(), getRows(all, rows.from), rows.to);
}
