import { padTo } from "../../pad.ts";
import type { Operation } from "../graph/operation.ts";
import { areEqual, type GraphTensor } from "../graph/tensor.ts";
import { attentionUse } from "./attention-use.ts";
import { besides, exactly, larger, NOTHING, type PoolUse, pieces } from "./pool-use.ts";
import { expertsUse, productUse } from "./products.ts";

/** Bytes that a context has on a CUDA device beside its buffers: typical, the least and the most. */
export type PoolBytes = { readonly bytes: number; readonly low: number; readonly high: number };

const MIB = 1024 * 1024;

/** What the pool grows by: what `cuMemGetAllocationGranularity` recommends on NVIDIA's devices (`ggml-cuda.cu:290`). */
const GRANULARITY = 2 * MIB;

/** cuBLAS's work space, from the first product on; the larger since Hopper (`ggml/src/ggml-cuda/common.cuh:1549`). */
const WORK_SPACE: PoolBytes = { bytes: 4 * MIB, low: 4 * MIB, high: 32 * MIB };

/**
 * The memory pool of one context on a CUDA device (llama.cpp 0.5.0 `ggml/src/ggml-cuda/ggml-cuda.cu:535`, ggml_cuda_pool_vmm).
 * It grows to the most that a node ever took from it at once, and never shrinks.
 */
export class CudaPool {
  #most: PoolUse = NOTHING;
  /** Nodes of each kind, by operation: layers are alike. */
  readonly #counted = new Map([...RULES.keys()].map((operation): [Operation, Kind[]] => [operation, []]));

  /** Counts a node that the device computes. */
  add(node: GraphTensor): void {
    const kinds = this.#counted.get(node.operation);
    if (kinds === undefined) return;
    for (const kind of kinds) if (isOf(kind, node)) return;
    kinds.push(kindOf(node));
    this.#most = larger(this.#most, RULES.get(node.operation)?.(node) ?? NOTHING);
  }

  /** Whole steps of the pool, and the work space of cuBLAS where it is called. */
  get bytes(): PoolBytes {
    const sized = (bound: keyof PoolBytes): number =>
      padTo(this.#most[bound], GRANULARITY) + (this.#most.callsBlas ? WORK_SPACE[bound] : 0);
    return { bytes: sized("bytes"), low: sized("low"), high: sized("high") };
  }
}

/** What decides on what a node takes, without the node, which holds on to its whole graph. */
type Kind = Pick<GraphTensor, "keepsSums" | "mostCells"> & { readonly reads: readonly Read[] };
type Read = Pick<GraphTensor, "type" | "ne" | "nb"> & { readonly isStored: boolean };

function kindOf({ keepsSums, mostCells, sources }: GraphTensor): Kind {
  const reads = sources.map(({ type, ne, nb, storage }): Read => ({ type, ne, nb, isStored: storage !== undefined }));
  return { keepsSums, mostCells, reads };
}

function isOf({ keepsSums, mostCells, reads }: Kind, node: GraphTensor): boolean {
  const { length } = reads;
  if (length !== node.sources.length || keepsSums !== node.keepsSums || mostCells !== node.mostCells) return false;
  for (let index = 0; index < length; index++) {
    const read = reads[index];
    const source = node.sources[index];
    if (read === undefined || source === undefined || read.type !== source.type) return false;
    if (read.isStored !== (source.storage !== undefined)) return false;
    if (!areEqual(read.ne, source.ne) || !areEqual(read.nb, source.nb)) return false;
  }
  return true;
}

/** Rows are sorted up to this many bytes at a time (`argsort.cu:33`, argsort_f32_i32_cuda_cub_chunk_nrows). */
const SORTED_BYTES = 64 * MIB;

/** Longer rows are sorted by CUB (`argsort.cu:240`, ggml_cuda_op_argsort). */
const SORTED_WITHOUT = 1024;

function sortedRows([width, ...counts]: GraphTensor["ne"]): number {
  const rows = counts.reduce((product, count) => product * count, 1);
  return Math.min(rows, Math.max(1, Math.floor(SORTED_BYTES / (4 * width))));
}

/**
 * Numbers, keys and sorted keys, and where each row begins (`argsort.cu:45`). CUB takes memory of its own: copies of keys and
 * numbers (NVIDIA/cccl `cub/device/dispatch/dispatch_radix_sort.cuh`) at the most, and what is too little to count.
 */
function sorts({ sources: [rows] }: GraphTensor): PoolUse {
  if (rows === undefined || rows.ne[0] <= SORTED_WITHOUT) return NOTHING;
  const count = sortedRows(rows.ne);
  const column = 4 * rows.ne[0] * count;
  const low = pieces(column, column, column);
  const bytes = low + pieces(4 * (count + 1));
  return { bytes, low, high: bytes + pieces(2 * column), callsBlas: false };
}

/** Sorted in full, and copied from; builds with CUB 3.2 or newer choose without (`top-k.cu:204`). */
function choosesTop(node: GraphTensor): PoolUse {
  const [rows] = node.sources;
  if (rows === undefined) return NOTHING;
  return { ...besides(pieces(4 * rows.ne[0] * sortedRows(rows.ne)), sorts(node)), low: 0 };
}

/** Tokens that Mamba-2 scans as products of matrices, in pieces of this (`ssm-scan.cu:15-25`, `:829`). */
const SCANNED = { more: 128, most: 8192, piece: 256 } as const;

function scans(node: GraphTensor): PoolUse {
  const [state, x, , decay, b] = node.sources;
  if (state === undefined || x === undefined || decay === undefined || b === undefined) return NOTHING;
  const [size, head] = state.ne;
  const [, heads, tokens, sequences] = x.ne;
  const keepsOne = node.elements === x.elements + size * head * heads * sequences;
  const isMatrix = decay.nb[1] === 4 && keepsOne && head % 8 === 0;
  if (!isMatrix || tokens <= SCANNED.more || tokens > SCANNED.most) return NOTHING;
  const { piece } = SCANNED;
  const all = heads * sequences;
  const steps = 4 * tokens * all;
  const groups = b.ne[1] * sequences;
  // `ssm-scan.cu:600-605`, `:643`, ssm_scan_ssd_f32_cuda.
  const held = [4 * piece * piece * groups, 2 * piece * head * all, 2 * size * piece * all, 4 * size * piece * all];
  return exactly(pieces(steps, steps, ...held, 2 * piece * piece * all), true);
}

/** Operations that take from the pool; of sums along one row (`MEAN`, `SOFT_MAX`) it is a few numbers. */
const RULES: ReadonlyMap<Operation, (node: GraphTensor) => PoolUse> = new Map([
  ["MUL_MAT", productUse],
  ["MUL_MAT_ID", expertsUse],
  ["FLASH_ATTN_EXT", attentionUse],
  ["ARGSORT", sorts],
  ["TOP_K", choosesTop],
  ["SSM_SCAN", scans],
]);
