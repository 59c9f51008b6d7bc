/** The release whose rules these are; the stored files they were read from are listed in `docs/runtimes/tensorrt-llm.md`. */
export const TENSORRT_LLM_VERSION = "1.2.1";

/** How the source of a figure begins. */
export const ENGINE = "TensorRT-LLM 1.2";
