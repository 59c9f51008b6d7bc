/** The llama.cpp release whose source the rules of this folder were read from (ggml 0.25.1). */
export const LLAMA_CPP_VERSION = "0.5.0";
