import type { GgufTensor } from "../../../fixtures/write-gguf.ts";
import type { ArchitectureCase } from "../architectures/groups.ts";

const OUTPUT = "output.weight";

/**
 * Families whose files leave the output matrix out: the engine takes the embedding for it. The others of which it would
 * are among the variants.
 */
export const TIED: ReadonlySet<string> = new Set(
  [
    "llama qwen2 qwen3 qwen3moe gemma3 gemma3n gemma4 command-r cohere2 cohere2moe lfm2 falcon-h1 granite granitemoe",
    "granitehybrid mamba2 jamba nemotron_h t5 starcoder2 smollm3 exaone4 minicpm3 deepseek2 glm4moe bloom gpt2 phi3 olmo hrm_text",
    "nanbeige qwen3next qwen35 mpt openelm",
  ].flatMap((names) => names.split(" ")),
);

/** A case as it is, and without an output matrix where its family has files like that. */
export function tiedVariants(
  { architecture, title }: ArchitectureCase,
  tensors: readonly GgufTensor[],
): { readonly tied: boolean; readonly tensors: readonly GgufTensor[] }[] {
  const whole = { tied: false, tensors };
  if (title !== "" || !TIED.has(architecture) || !tensors.some(({ name }) => name === OUTPUT)) return [whole];
  return [whole, { tied: true, tensors: tensors.filter(({ name }) => name !== OUTPUT) }];
}
