/** Types that Metal neither multiplies with nor looks rows up in (llama.cpp 0.5.0 `ggml-metal-device.m:1499`, supports_op). */
export const NOT_MULTIPLIED_BY_METAL: ReadonlySet<string> = new Set(["NVFP4", "TQ1_0"]);
