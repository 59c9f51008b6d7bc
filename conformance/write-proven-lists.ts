import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./paths.ts";
import { LLAMA_CPP_PROVEN, MLX_PROVEN, TRANSFORMERS_PROVEN } from "./proven-lists.ts";
import { VLLM_PROVEN } from "./vllm/proven-list.ts";

/** Writes the lists of what is proven anew, from the golden numbers. */
for (const { path, text } of [LLAMA_CPP_PROVEN, TRANSFORMERS_PROVEN, MLX_PROVEN, VLLM_PROVEN])
  writeFileSync(join(ROOT, path), await text());
