import { LOOKS_ONLY, type Operation } from "../graph/operation.ts";
import { contiguousFrom, hasWholeRows, isContiguous } from "../graph/ops/shapes.ts";
import type { GraphTensor } from "../graph/tensor.ts";
import { OFFLOADED_BATCH } from "../offloaded-batch.ts";
import { ATTENDED_BY_CUDA, attentionKernel } from "./attention.ts";
import { LOOKED_UP_BY_CUDA, LOOKED_UP_WHOLE, MULTIPLIED_BY_CUDA } from "./types.ts";

/** What llama.cpp's CUDA backend brings to the device (`ggml/src/ggml-cuda/ggml-cuda.cu`, get_op_batch_size). */
export function offloadsToCuda({ operation, ne }: GraphTensor): boolean {
  return rowsOf(operation, ne) >= OFFLOADED_BATCH;
}

function rowsOf(operation: Operation, ne: GraphTensor["ne"]): number {
  if (operation === "GET_ROWS") return 0;
  if (operation === "MUL_MAT") return ne[1];
  if (operation === "MUL_MAT_ID" || operation === "ROPE" || operation === "ROPE_BACK") return ne[2];
  return ne[1] * ne[2] * ne[3];
}

type Rule = (node: GraphTensor, sources: readonly GraphTensor[]) => boolean;

const FLOATS: ReadonlySet<string> = new Set(["F32", "F16"]);
const ANY_FLOATS: ReadonlySet<string> = new Set(["F32", "F16", "BF16"]);
const WRITTEN: ReadonlySet<string> = new Set("F32 F16 BF16 Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 IQ4_NL".split(" "));
/** Copies between these and float32, both ways but for the last. */
const COPIED: ReadonlySet<string> = new Set("Q8_0 Q4_0 Q4_1 Q5_0 Q5_1 IQ4_NL I32".split(" "));

const firstIsContiguous: Rule = (_, [a]) => a !== undefined && isContiguous(a);
const firstHasRows: Rule = (_, [a]) => a !== undefined && hasWholeRows(a);
const sumsRows: Rule = (node, [a]) =>
  a !== undefined && a.type.name === "F32" && node.type.name === "F32" && hasWholeRows(a);

const addsOrMultiplies: Rule = (node, sources) =>
  FLOATS.has(node.type.name) && sources.every(({ type }) => FLOATS.has(type.name));

const multipliesMatrices: Rule = (_, [a, b]) => {
  if (a === undefined || b === undefined || a.nb[0] !== a.type.blockBytes || b.nb[0] !== b.type.blockBytes)
    return false;
  return !(b.type.name === "F16" && a.type.name !== "F16") && MULTIPLIED_BY_CUDA.has(a.type.name);
};

const looksUp: Rule = (_, [a]) =>
  a !== undefined && (LOOKED_UP_BY_CUDA.has(a.type.name) || (LOOKED_UP_WHOLE.has(a.type.name) && a.ne[0] % 256 === 0));

const writesRows: Rule = ({ type }, [rows]) =>
  (WRITTEN.has(type.name) && rows?.type.name === "F32") || (type.name === "F16" && rows?.type.name === "F16");

const copies: Rule = (_, [a, b]) => {
  if (a === undefined || b === undefined) return false;
  const [from, to] = [a.type.name, b.type.name];
  if (ANY_FLOATS.has(from) && ANY_FLOATS.has(to)) return true;
  if ((from === "F32" && COPIED.has(to)) || (to === "F32" && COPIED.has(from) && from !== "IQ4_NL")) return true;
  return from === to && (from === "I32" || (isContiguous(a) && isContiguous(b)));
};

const rotates: Rule = (_, [a]) => a !== undefined && a.nb[0] === a.type.blockBytes && contiguousFrom(a, 2);

const scansStates: Rule = (_, [state, , , a, b]) => {
  if (state === undefined || a === undefined || b === undefined) return false;
  const [size, head, heads] = state.ne;
  if (a.ne[0] === 1) return (size === 128 || size === 256) && head % 16 === 0;
  return size === 16 && head === 1 && heads % 128 === 0 && b.ne[1] === 1;
};

const indexes: Rule = (_, [q, k]) =>
  q !== undefined &&
  k !== undefined &&
  q.ne[0] === 128 &&
  (q.ne[1] === 64 || q.ne[1] === 32) &&
  ATTENDED_BY_CUDA.has(k.type.name) &&
  [q, k].every(({ type, nb }) => type.blockElements > 1 || nb.slice(1).every((stride) => stride % 16 === 0));

/** Which nodes the backend computes (`ggml_backend_cuda_device_supports_op`); what is not named here or below it does not. */
const RULES: Readonly<Partial<Record<Operation, Rule>>> = {
  UNARY: firstIsContiguous,
  GLU: (_, [a]) => a !== undefined && contiguousFrom(a, 1),
  MUL_MAT: multipliesMatrices,
  MUL_MAT_ID: (node, sources) => !node.keepsInput && multipliesMatrices(node, sources),
  GET_ROWS: looksUp,
  SET_ROWS: writesRows,
  SET: ({ type }, sources) =>
    (type.name === "F32" || type.name === "I32") && sources.every((source) => source.type === type),
  CPY: copies,
  REPEAT: (_, [a]) => a !== undefined && FLOATS.has(a.type.name),
  CONCAT: ({ type }, [a, b]) => a?.type === type && b?.type === type,
  NORM: firstHasRows,
  RMS_NORM: firstHasRows,
  L2_NORM: firstHasRows,
  GROUP_NORM: firstIsContiguous,
  ADD: addsOrMultiplies,
  SUB: addsOrMultiplies,
  MUL: addsOrMultiplies,
  DIV: addsOrMultiplies,
  SSM_SCAN: scansStates,
  SSM_CONV: (_, [a]) => a !== undefined && a.ne[1] % 128 === 0,
  ROPE: rotates,
  ROPE_BACK: rotates,
  IM2COL: (_, [a, b]) => a !== undefined && b !== undefined && isContiguous(a) && isContiguous(b),
  SUM_ROWS: sumsRows,
  MEAN: sumsRows,
  FLASH_ATTN_EXT: (node) => attentionKernel(node) !== undefined,
  LIGHTNING_INDEXER: indexes,
};

/** Whatever they read. */
const ALWAYS: ReadonlySet<Operation> = new Set([
  "NONE",
  ...LOOKS_ONLY,
  "ADD_ID",
  "ARANGE",
  "ARGMAX",
  "ARGSORT",
  "CLAMP",
  "CONT",
  "DSV4_HC_COMB",
  "DSV4_HC_POST",
  "DSV4_HC_PRE",
  "FILL",
  "GATED_DELTA_NET",
  "GATED_LINEAR_ATTN",
  "PAD",
  "POOL_2D",
  "RWKV_WKV6",
  "RWKV_WKV7",
  "SCALE",
  "SOFT_MAX",
  "SQR",
  "SQRT",
  "TOP_K",
]);

/** True of nodes that llama.cpp's CUDA backend computes, of compute capability 7.5 and newer. */
export function isComputedByCuda(node: GraphTensor): boolean {
  return ALWAYS.has(node.operation) || RULES[node.operation]?.(node, node.sources) === true;
}
