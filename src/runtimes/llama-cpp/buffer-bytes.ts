import { GGML_TYPES_BY_NAME, type GgmlType } from "../../formats/gguf/types.ts";
import type { ModelTensor } from "../../model/model.ts";
import type { Device } from "../device.ts";
import { padTo } from "../pad.ts";

export const F32_BYTES = 4;
export const F16_BYTES = 2;

/** CUDA pads quantized rows to this many elements (MATRIX_ROW_PADDING, `ggml/src/ggml-cuda/ggml-cuda.cu:902`). */
const CUDA_ROW_PADDING = 512;

/** Alignment of tensors in a buffer, by kind of device: `ggml/src/ggml-impl.h:44`, `ggml-cuda.cu`, `ggml-metal.cpp`. */
const ALIGNMENT: { readonly [kind in Device["kind"]]: number } = { cpu: 32, metal: 32, cuda: 128 };

/** What the offset of a tensor in a buffer of a device is a multiple of. */
export function alignmentOf({ kind }: Device): number {
  return ALIGNMENT[kind];
}

/**
 * Bytes that one tensor takes in a buffer of a device (`ggml_backend_buft_get_alloc_size`, `ggml/src/ggml-alloc.c:1168`).
 * `rowElements` is its first dimension.
 */
export function bufferBytes(bytes: number, type: GgmlType, rowElements: number, { kind }: Device): number {
  return padTo(bytes + (kind === "cuda" ? cudaRowPadding(type, rowElements) : 0), ALIGNMENT[kind]);
}

/** The same of a tensor of a file. */
export function tensorBytes(device: Device, { bytes, dtype, shape }: ModelTensor): number {
  const type = GGML_TYPES_BY_NAME.get(dtype);
  return type === undefined ? bytes : bufferBytes(bytes, type, shape[0] ?? 1, device);
}

function cudaRowPadding({ blockElements, blockBytes }: GgmlType, rowElements: number): number {
  const beyond = rowElements % CUDA_ROW_PADDING;
  if (blockElements === 1 || beyond === 0) return 0;
  return ((CUDA_ROW_PADDING - beyond) / blockElements) * blockBytes;
}
