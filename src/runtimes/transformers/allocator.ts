import type { Device } from "../device.ts";
import type { MemoryItem } from "../estimate.ts";
import { padTo } from "../pad.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** `kMinBlockSize`: every allocation is a whole number of these. */
const BLOCK_BYTES = 512;

/** `kSmallSize`, `kSmallBuffer`: allocations up to the first share segments of the second. */
const SMALL_BYTES = MIB;
const SMALL_SEGMENT_BYTES = 2 * MIB;

/** `kMinLargeAlloc`, `kLargeBuffer`, `kRoundLarge`: those below the first share segments of the second, others have their own. */
const LARGE_BYTES = 10 * MIB;
const LARGE_SEGMENT_BYTES = 20 * MIB;
const OWN_SEGMENT_ROUNDING = 2 * MIB;

const SOURCE = "pytorch c10/cuda/CUDACachingAllocator.cpp, kMinBlockSize to kRoundLarge";

/**
 * What the caching allocator of PyTorch reserves on a CUDA device beside what tensors that stay take: low, every one rounded
 * to blocks; high, the ends of segments that no tensor fits in.
 */
export function allocatorItems(tensorBytes: readonly number[], device: Device): MemoryItem[] {
  if (device.kind !== "cuda") return [];
  const blocks = tensorBytes.map((bytes) => padTo(bytes, BLOCK_BYTES));
  const rounding = sum(blocks) - sum(tensorBytes);
  const small = blocks.filter((bytes) => bytes <= SMALL_BYTES);
  const shared = blocks.filter((bytes) => bytes > SMALL_BYTES && bytes < LARGE_BYTES);
  const own = blocks.filter((bytes) => bytes >= LARGE_BYTES);
  const segments =
    unfilled(small, SMALL_SEGMENT_BYTES) +
    unfilled(shared, LARGE_SEGMENT_BYTES) +
    sum(own.map((bytes) => padTo(bytes, OWN_SEGMENT_ROUNDING) - bytes));
  return [
    {
      component: "overhead",
      label: "ends of blocks and segments of PyTorch's allocator",
      device: device.name,
      bytes: rounding + Math.round(segments / 2),
      certainty: "estimate",
      source: SOURCE,
      low: rounding,
      high: rounding + segments,
    },
  ];
}

/** Most that is left over in segments of one size: at the end of each less than the largest allocation. */
function unfilled(blocks: readonly number[], segmentBytes: number): number {
  if (blocks.length === 0) return 0;
  const largest = blocks.reduce((most, bytes) => Math.max(most, bytes), 0);
  const total = sum(blocks);
  return Math.ceil(total / (segmentBytes - largest)) * segmentBytes - total;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
