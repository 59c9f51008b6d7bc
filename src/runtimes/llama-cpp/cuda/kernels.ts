import type { Mixer } from "../../../model/mixer.ts";
import { attentionPart } from "../../../model/mixer-parts.ts";

/** Head sizes that CUDA's flash attention has a kernel for (`ggml/src/ggml-cuda/fattn.cu`, ggml_cuda_get_best_fattn_kernel). */
const HEAD_SIZES: ReadonlySet<number> = new Set([40, 64, 72, 80, 96, 112, 128, 256]);

/** Whether it has one for heads whose keys and values are of this size. */
export function hasCudaKernelFor(headSize: number): boolean {
  return HEAD_SIZES.has(headSize);
}

/** Whether it has one for a layer, or the layer needs none. */
export function hasCudaKernel(mixer: Mixer): boolean {
  const attention = attentionPart(mixer);
  if (attention === undefined) return true;
  if (attention.kind === "latent") {
    return attention.upProjection === "absorbed" && attention.kvLoraRank === 512 && attention.heads >= 2;
  }
  const { keyDim, valueDim, heads, kvHeads } = attention;
  const headsPerKey = heads / kvHeads;
  if (keyDim === 192) return valueDim === 128 && headsPerKey % 8 === 0;
  if (keyDim === 512) return valueDim === 512 && headsPerKey >= 2;
  return keyDim === valueDim && hasCudaKernelFor(keyDim);
}
