import { padTo } from "../../pad.ts";

/**
 * What one node takes from the memory pool of a CUDA device at once, in bytes: on a device as {@link TYPICAL} is, and the
 * least and the most on any.
 */
export type PoolUse = {
  readonly bytes: number;
  readonly low: number;
  readonly high: number;
  /** Calls cuBLAS, which has a work space of its own beside the pool. */
  readonly callsBlas: boolean;
};

export const NOTHING: PoolUse = { bytes: 0, low: 0, high: 0, callsBlas: false };

/** The device that typical figures are for: an RTX 4090, of compute capability 8.9. */
export const TYPICAL = { multiprocessors: 128 } as const;

/**
 * What bounds the blocks of threads that run at once: multiprocessors of the largest chip, and by multiprocessor the bytes of
 * shared memory and the threads (CUDA C++ Programming Guide, technical specifications per compute capability).
 */
export const CHIPS: readonly Chip[] = [
  // 8.9 and 12.x: a whole GB202 (NVIDIA RTX Blackwell GPU Architecture).
  { multiprocessors: 192, sharedBytes: 100 * 1024, threads: 1536 },
  // 9.0 and 10.x: a whole Blackwell Ultra (NVIDIA, Inside NVIDIA Blackwell Ultra).
  { multiprocessors: 160, sharedBytes: 228 * 1024, threads: 2048 },
];
export type Chip = { readonly multiprocessors: number; readonly sharedBytes: number; readonly threads: number };

export const MOST_MULTIPROCESSORS: number = Math.max(...CHIPS.map(({ multiprocessors }) => multiprocessors));

/** Each piece of the pool begins at a multiple of this (`ggml_cuda_pool_vmm::alloc`, `ggml/src/ggml-cuda/ggml-cuda.cu:566`). */
const ALIGNMENT = 128;

/** Bytes of the pool that pieces held at once take. */
export function pieces(...sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + padTo(size, ALIGNMENT), 0);
}

/** What is the same on all devices. */
export function exactly(bytes: number, callsBlas = false): PoolUse {
  return { bytes, low: bytes, high: bytes, callsBlas };
}

/** What is held by a node while another of its steps takes more. */
export function besides(bytes: number, use: PoolUse): PoolUse {
  return { ...use, bytes: bytes + use.bytes, low: bytes + use.low, high: bytes + use.high };
}

/** The most of two, bound by bound. */
export function larger(a: PoolUse, b: PoolUse): PoolUse {
  return {
    bytes: Math.max(a.bytes, b.bytes),
    low: Math.max(a.low, b.low),
    high: Math.max(a.high, b.high),
    callsBlas: a.callsBlas || b.callsBlas,
  };
}
