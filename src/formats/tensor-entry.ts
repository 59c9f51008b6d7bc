/**
 * One tensor, as a container lists it.
 * `shape` keeps the file's own order: GGUF fastest dimension first (`[in, out]`), safetensors slowest first
 * (`[out, in]`). `bytes` is the exact span; for safetensors it is `end - begin`, for GGUF block arithmetic.
 */
export type TensorEntry = {
  readonly name: string;
  /** ggml name (`Q4_K`, `F32`, `BF16`, `MXFP4`) or safetensors name (`BF16`, `F8_E4M3`). */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Product of `shape`: what is stored, container elements for packed formats. */
  readonly elements: number;
  readonly bytes: number;
  /** Index into the files of the set. */
  readonly file: number;
  /** Absolute byte offset in that file. */
  readonly offset: number;
};
