/** Types of matrices that CUDA multiplies with (llama.cpp 0.5.0 `ggml/src/ggml-cuda/ggml-cuda.cu`, supports_op). */
export const MULTIPLIED_BY_CUDA: ReadonlySet<string> = new Set(
  (
    "F32 F16 BF16 Q1_0 Q2_0 Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 MXFP4 NVFP4 Q2_K Q3_K Q4_K Q5_K Q6_K Q8_K IQ1_M IQ1_S IQ2_S IQ2_XS " +
    "IQ2_XXS IQ3_S IQ3_XXS IQ4_NL IQ4_XS"
  ).split(" "),
);

/** Of these, quantized ones that it multiplies in tiles, without turning them to floats first (`ggml_cuda_should_use_mmq`, `mmq.cu:266`). */
export const CUDA_TILED: ReadonlySet<string> = new Set(
  (
    "Q1_0 Q2_0 Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 MXFP4 NVFP4 Q2_K Q3_K Q4_K Q5_K Q6_K IQ1_S IQ2_S IQ2_XS IQ2_XXS IQ3_S IQ3_XXS " +
    "IQ4_NL IQ4_XS"
  ).split(" "),
);

/** Types that it looks rows up in. */
export const LOOKED_UP_BY_CUDA: ReadonlySet<string> = new Set(
  (
    "F16 F32 BF16 I32 Q1_0 Q2_0 Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K Q4_K Q5_K Q6_K IQ2_XXS IQ2_XS IQ2_S IQ3_XXS IQ3_S IQ1_S " +
    "IQ1_M IQ4_XS"
  ).split(" "),
);

/** Read in blocks of 256: rows have to be multiples of it. */
export const LOOKED_UP_WHOLE: ReadonlySet<string> = new Set(["IQ4_NL", "MXFP4"]);
