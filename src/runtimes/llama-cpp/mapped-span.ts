import type { ModelTensor } from "../../model/model.ts";

/** Collects tensors, and says how much of their files is mapped for them. */
export type MappedSpan = { readonly add: (tensor: ModelTensor) => void; readonly bytes: () => number };

/**
 * Bytes from the first to the last byte of the tensors in each file: the part of it that is mapped as their buffer, what
 * lies between included (llama.cpp 0.5.0 `src/llama-model-loader.cpp:1452`, get_mapping_range).
 */
export function mappedSpan(): MappedSpan {
  const spans = new Map<number, { first: number; last: number }>();
  return {
    add: ({ file, offset, bytes }) => {
      const span = spans.get(file);
      if (span === undefined) spans.set(file, { first: offset, last: offset + bytes });
      else {
        span.first = Math.min(span.first, offset);
        span.last = Math.max(span.last, offset + bytes);
      }
    },
    bytes: () => [...spans.values()].reduce((sum, { first, last }) => sum + last - first, 0),
  };
}
