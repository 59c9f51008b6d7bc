import type { KeptUntil } from "../backend.ts";
import { addUp, isAlone } from "../fused-nodes.ts";
import type { Operation } from "../graph/operation.ts";
import { haveSameShape, isContiguous } from "../graph/ops/shapes.ts";
import type { GraphTensor } from "../graph/tensor.ts";

/**
 * What CUDA keeps for operations it computes in one: the choice of experts, and their weighted sum (llama.cpp 0.5.0
 * `ggml/src/ggml-cuda/ggml-cuda.cu:4505`, ggml_backend_cuda_graph_optimize). Of all nodes of the
 * graph, those of one split stand from `start` to `end`.
 */
export function keptByCuda(all: readonly GraphTensor[], start: number, end: number): KeptUntil[] {
  const kept: KeptUntil[] = [];
  for (let index = start; index < end; index++) {
    const sum = weightedSum(all, index, end);
    if (sum !== undefined) {
      kept.push({ until: sum.result, kept: sum.kept });
      index += sum.count - 1;
    }
    const count = choiceOfExperts(all, index, end);
    if (count === 0) continue;
    const until = all[index + count];
    if (until !== undefined)
      kept.push({ until, kept: all.slice(index, index + count).flatMap((node) => [node, ...node.sources]) });
    index += count - 1;
  }
  return kept;
}

/** Experts that are summed in one kernel, at most. */
const MOST_SUMMED = 15;

type Sum = { readonly result: GraphTensor; readonly kept: readonly GraphTensor[]; readonly count: number };

/** Experts times their weights, and before that their scales, views of each and their sum. */
function weightedSum(all: readonly GraphTensor[], start: number, end: number): Sum | undefined {
  const first = all[start];
  if (first === undefined || !isFloatProduct(first)) return undefined;
  const second = all[start + 1];
  const inner = factorsOf(first);
  const outer = start + 1 < end && second !== undefined && isFloatProduct(second) ? factorsOf(second) : undefined;
  const isScaled = inner !== undefined && outer?.rows === first;
  if (inner === undefined || second === undefined) return undefined;
  const weighted = isScaled ? second : first;
  const kept = isScaled ? [inner.rows, outer.weights, inner.weights] : [inner.rows, inner.weights];
  const products = isScaled ? 2 : 1;
  const used = weighted.ne[1];
  if (used < 2 || used > MOST_SUMMED) return undefined;
  const count = 2 * used + products - 1;
  if (start + count > end) return undefined;
  const rest = all.slice(start + products, start + count);
  const views = rest.filter(({ operation }) => operation === "VIEW");
  const sums = rest.filter(({ operation }) => operation === "ADD");
  if (views.length !== used || sums.length !== used - 1) return undefined;
  if (!addUp(weighted, views, sums)) return undefined;
  const result = rest.at(-1);
  if (result === undefined || result.operation !== "ADD" || !isContiguous(result)) return undefined;
  return isAlone(all.slice(start, start + count), [result]) ? { result, kept, count } : undefined;
}

function isFloatProduct(node: GraphTensor): boolean {
  return node.operation === "MUL" && node.type.name === "F32" && isContiguous(node);
}

/** Rows of experts, and one number for each of them. */
function factorsOf(product: GraphTensor): { readonly rows: GraphTensor; readonly weights: GraphTensor } | undefined {
  const [a, b] = product.sources;
  if (a === undefined || b === undefined) return undefined;
  const isFlat = (x: GraphTensor): boolean => x.type.name === "F32" && isContiguous(x);
  const isRows = (x: GraphTensor): boolean => isFlat(x) && haveSameShape(x, product);
  const isWeights = (x: GraphTensor): boolean =>
    isFlat(x) && x.ne[0] === 1 && x.ne.slice(1).every((count, index) => count === product.ne[index + 1]);
  if (isRows(a) && isWeights(b)) return { rows: a, weights: b };
  return isRows(b) && isWeights(a) ? { rows: b, weights: a } : undefined;
}

/** Numbers of experts that the choice has a kernel for, beside powers of two up to 512. */
const OTHER_COUNTS: ReadonlySet<number> = new Set([288, 576]);

/**
 * Chances, the experts chosen by them and their weights, made to sum to one and scaled where a model does: how many nodes,
 * or 0. A unary function before it can only be a sigmoid, or softplus under a root.
 */
function choiceOfExperts(all: readonly GraphTensor[], start: number, end: number): number {
  const first = all[start];
  if (first === undefined || (first.operation !== "UNARY" && first.operation !== "SOFT_MAX")) return 0;
  if (first.operation === "SOFT_MAX" && first.sources.length > 1) return 0;
  let at = start;
  const next = (operation: Operation, of = all[at]): boolean => {
    const node = all[at + 1];
    if (at + 1 >= end || node?.operation !== operation || node.sources[0] !== of) return false;
    at += 1;
    return true;
  };
  if (first.operation === "UNARY") next("SQRT");
  const chances = all[at];
  if (!next("RESHAPE")) return 0;
  const reshaped = all[at];
  const isBiased = next("ADD", chances);
  if (!next("ARGSORT", isBiased ? all[at] : chances) || !next("VIEW")) return 0;
  const chosen = all[at];
  const rows = all[at + 1];
  if (at + 1 >= end || rows?.operation !== "GET_ROWS" || rows.sources[0] !== reshaped || rows.sources[1] !== chosen)
    return 0;
  at += 1;
  const weights = at;
  if (next("RESHAPE") && next("SUM_ROWS") && next("CLAMP")) {
    const quotient = all[at + 1];
    const isQuotient =
      quotient?.operation === "DIV" && quotient.sources[1] === all[at] && quotient.sources[0] === all[at - 2];
    if (at + 1 < end && isQuotient) at += 1;
    if (!isQuotient || !next("RESHAPE")) at = weights;
  } else at = weights;
  next("SCALE");
  const count = at - start + 1;
  const last = all[at];
  if (chosen === undefined || last === undefined || !hasKernel(chosen) || !isContiguous(last)) return 0;
  const logits = first.sources[0];
  if (logits === undefined || !isContiguous(logits)) return 0;
  return isAlone(all.slice(start, start + count), [chosen, last]) ? count : 0;
}

function hasKernel({ nb }: GraphTensor): boolean {
  const experts = nb[1] / nb[0];
  return OTHER_COUNTS.has(experts) || (experts <= 512 && (experts & (experts - 1)) === 0);
}
