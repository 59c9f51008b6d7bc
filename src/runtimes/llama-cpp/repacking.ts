import type { ModelTensor } from "../../model/model.ts";
import type { RepackingCpu } from "./workload.ts";

/** Rows that a type's kernel takes at once, by CPU; a type without an entry is used as it is stored. */
type Kernels = Readonly<Record<string, number>>;

const AVX2: Kernels = { Q4_0: 8, Q4_K: 8, IQ4_NL: 8, MXFP4: 8 };
const DOTPROD: Kernels = { Q4_0: 4, Q4_K: 8, Q5_K: 8, Q6_K: 8, IQ4_NL: 4, MXFP4: 4, Q8_0: 4 };

/** llama.cpp 0.5.0 `ggml/src/ggml-cpu/repack.cpp:4960`, ggml_repack_get_optimal_repack_type. */
const KERNELS: { readonly [cpu in RepackingCpu]: Kernels } = {
  avx2: AVX2,
  avx512: { ...AVX2, Q2_K: 8 },
  neon: DOTPROD,
};

/** Matrices alone, and experts: vectors are added or multiplied with. */
const STACKED = /_exps\.weight$/;

/** True for a matrix that this CPU keeps in another order, in a buffer of its own (`CPU_REPACK`). */
export function isRepacked({ name, dtype, shape }: ModelTensor, cpu: RepackingCpu | false): boolean {
  if (cpu === false || shape.length !== (STACKED.test(name) ? 3 : 2)) return false;
  const rows = KERNELS[cpu][dtype];
  return rows !== undefined && (shape[1] ?? 0) % rows === 0;
}
