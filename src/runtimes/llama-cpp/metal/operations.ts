import { LOOKS_ONLY, type Operation } from "../graph/operation.ts";
import { contiguousFrom, hasWholeRows, isTransposed } from "../graph/ops/shapes.ts";
import type { GraphTensor } from "../graph/tensor.ts";
import { OFFLOADED_BATCH } from "../offloaded-batch.ts";
import { NOT_MULTIPLIED_BY_METAL } from "./types.ts";

/** What llama.cpp's Metal backend brings to the device (`ggml/src/ggml-metal/ggml-metal.cpp:774`). */
export function offloadsToMetal({ operation, ne }: GraphTensor): boolean {
  if (operation === "MUL_MAT") return ne[1] >= OFFLOADED_BATCH;
  return operation === "MUL_MAT_ID" && ne[2] >= OFFLOADED_BATCH;
}

type Rule = (node: GraphTensor, sources: readonly GraphTensor[]) => boolean;

const names = (list: string): ReadonlySet<string> => new Set(list.split(" "));

const FLOATS = names("F32 F16");
const JOINED = names("F32 F16 BF16 I8 I16 I32 I64 Q4_0 Q4_1 Q5_0 Q5_1 Q8_0");
const WRITTEN = names("F32 F16 BF16 Q8_0 Q4_0 Q4_1 Q5_0 Q5_1 IQ4_NL TQ2_0");
const INDEXED = names("F32 F16 BF16 Q4_0 Q4_1 Q5_0 Q5_1 Q8_0");
const HEAD_SIZES: ReadonlySet<number> = new Set([32, 40, 48, 64, 72, 80, 96, 112, 128, 192, 256, 320, 512, 576]);

/** What each type is copied to. */
const COPIED: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ["F32", names("F32 F16 BF16 Q8_0 Q1_0 Q2_0 Q4_0 Q4_1 Q5_0 Q5_1 IQ4_NL TQ2_0 I32")],
  ["BF16", names("F32 BF16")],
  ["I32", names("F32 I32")],
  ...["F16", "Q1_0", "Q2_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "TQ2_0"].map((from) => [from, FLOATS] as const),
]);

const firstHasRows: Rule = (_, [a]) => a !== undefined && hasWholeRows(a);
const firstHasFloatRows: Rule = (_, [a]) => a !== undefined && hasWholeRows(a) && FLOATS.has(a.type.name);
const allHaveRows: Rule = (node, sources) => [node, ...sources].every(isFloatRows);

const addsOrMultiplies: Rule = (_, [a, b]) =>
  a !== undefined &&
  b !== undefined &&
  hasWholeRows(a) &&
  hasWholeRows(b) &&
  FLOATS.has(a.type.name) &&
  a.type === b.type;

const copies: Rule = ({ type }, [a]) => a !== undefined && COPIED.get(a.type.name)?.has(type.name) === true;

const writesRows: Rule = ({ type }, [rows]) =>
  rows?.type.name === "F16" ? type.name === "F16" : rows?.type.name === "F32" && WRITTEN.has(type.name);

/** Sixteen-bit columns are read by the kernel for many of them, and beside sixteen-bit matrices by all. */
const multipliesMatrices: Rule = ({ operation }, [a, b, experts]) => {
  if (a === undefined || b === undefined || NOT_MULTIPLIED_BY_METAL.has(a.type.name)) return false;
  if (b.type.name !== "F16") return true;
  if (a.type.name === "BF16") return false;
  if (operation === "MUL_MAT_ID") return a.ne[0] >= 64 && experts !== undefined && experts.ne[1] >= 32;
  return a.type.name === "F16" || (!isTransposed(a) && !isTransposed(b) && a.ne[0] >= 64 && b.ne[1] > 8);
};

const attends: Rule = (_, [q, k, v]) => {
  if (q === undefined || k === undefined || v === undefined) return false;
  const fits = HEAD_SIZES.has(q.ne[0]) && k.ne[0] >= v.ne[0] && (k.ne[0] !== 72 || v.ne[0] === 72);
  return fits && k.type === v.type && INDEXED.has(k.type.name);
};

const indexes: Rule = ({ type }, [q, k, weights, mask]) => {
  if (q === undefined || k === undefined || weights === undefined || mask === undefined) return false;
  const fits = q.ne[0] === 128 && q.ne[1] === 64 && [q, weights].every(isFloatRows) && INDEXED.has(k.type.name);
  return fits && type.name === "F32" && mask.type.name === "F16" && hasWholeRows(k) && hasWholeRows(mask);
};

function isFloatRows(tensor: GraphTensor): boolean {
  return tensor.type.name === "F32" && hasWholeRows(tensor);
}

/** What combines four streams, of which there are four weights each to take in and to put out, and a matrix of them. */
const combinesStreams: Rule = (node, sources) => {
  const [mixed, scales, base] = sources;
  const fits = mixed?.ne[0] === 24 && base?.ne[0] === 24 && scales !== undefined && scales.ne[0] >= 3;
  return fits && allHaveRows(node, sources);
};

const putsIntoStreams: Rule = (node, sources) => {
  const [, streams, out, matrix] = sources;
  const fits = streams?.ne[1] === 4 && out?.ne[0] === 4 && (!matrix || (matrix.ne[0] === 4 && matrix.ne[1] === 4));
  return fits && allHaveRows(node, sources);
};

/**
 * Which nodes the backend computes on Apple GPUs since the M1 (llama.cpp 0.5.0 `ggml/src/ggml-metal/ggml-metal-device.m:1525`,
 * ggml_metal_device_supports_op); what is not named here or below it does not.
 */
const RULES: Readonly<Partial<Record<Operation, Rule>>> = {
  SCALE: firstHasFloatRows,
  FILL: firstHasFloatRows,
  CLAMP: firstHasFloatRows,
  SQR: firstHasFloatRows,
  SQRT: firstHasFloatRows,
  UNARY: firstHasFloatRows,
  GLU: (_, [a]) => a !== undefined && contiguousFrom(a, 1) && FLOATS.has(a.type.name),
  CONCAT: ({ type }, [a, b]) => a?.type === type && b?.type === type && JOINED.has(type.name),
  ADD: addsOrMultiplies,
  SUB: addsOrMultiplies,
  MUL: addsOrMultiplies,
  DIV: addsOrMultiplies,
  ADD_ID: addsOrMultiplies,
  SUM_ROWS: firstHasRows,
  MEAN: firstHasRows,
  SOFT_MAX: firstHasRows,
  GROUP_NORM: firstHasRows,
  L2_NORM: firstHasRows,
  NORM: firstHasRows,
  RMS_NORM: firstHasRows,
  IM2COL: ({ type }, [, b]) =>
    b !== undefined && contiguousFrom(b, 0) && b.type.name === "F32" && FLOATS.has(type.name),
  POOL_2D: (_, [a]) => a?.type.name === "F32",
  FLASH_ATTN_EXT: attends,
  LIGHTNING_INDEXER: indexes,
  DSV4_HC_COMB: combinesStreams,
  DSV4_HC_PRE: (node, [a, b]) => [node, a, b].every((each) => each !== undefined && isFloatRows(each)),
  DSV4_HC_POST: putsIntoStreams,
  GATED_DELTA_NET: (_, [, , value]) => value !== undefined && value.ne[0] % 32 === 0,
  MUL_MAT: multipliesMatrices,
  MUL_MAT_ID: multipliesMatrices,
  SET: copies,
  CPY: copies,
  CONT: copies,
  GET_ROWS: (_, [a]) => a !== undefined && !NOT_MULTIPLIED_BY_METAL.has(a.type.name),
  SET_ROWS: writesRows,
};

/** Whatever they read. */
const ALWAYS: ReadonlySet<Operation> = new Set([
  "NONE",
  ...LOOKS_ONLY,
  "ARANGE",
  "ARGMAX",
  "ARGSORT",
  "PAD",
  "REPEAT",
  "ROPE",
  "ROPE_BACK",
  "RWKV_WKV6",
  "RWKV_WKV7",
  "SSM_CONV",
  "SSM_SCAN",
  "TOP_K",
]);

/** True of nodes that llama.cpp's Metal backend computes. */
export function isComputedByMetal(node: GraphTensor): boolean {
  return ALWAYS.has(node.operation) || RULES[node.operation]?.(node, node.sources) === true;
}
