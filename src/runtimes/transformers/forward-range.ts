import type { Model } from "../../model/model.ts";
import type { TransformersSettings } from "./settings.ts";
import { TRANSFORMERS_VERSION } from "./version.ts";

/** Model types whose peaks were measured and lie within 5 % of the closed form at every length. */
const MEASURED: ReadonlySet<string> = new Set(
  [
    "cohere cohere2 exaone4 gemma gemma2 gemma3_text glm4 gpt2 gpt_neox granite lfm2 llama mistral nemotron olmo olmo2 opt phi",
    "phi3 qwen2 qwen3 seed_oss smollm3 stablelm starcoder2 glm4_moe mixtral olmoe qwen3_moe",
  ].flatMap((names) => names.split(" ")),
);

/** Of models that were not measured: what the closed form may miss above it, such as activations written out. */
const UNMEASURED_HIGH = 1.6;

const MEASURED_HIGH = 1.05;

/** How far above the closed form the peak may lie: less for what was measured, on a CPU, in a cache of full precision, without beams. */
export function highFactor({ architecture }: Model, settings: TransformersSettings): number {
  const { version, cache, beams, attention, devices } = settings;
  const onCpu = devices.every(({ kind }) => kind === "cpu");
  const known = MEASURED.has(architecture ?? "") && version === TRANSFORMERS_VERSION;
  const measured = onCpu && known && cache !== "quantized" && beams === 1 && attention !== "flash";
  return measured ? MEASURED_HIGH : UNMEASURED_HIGH;
}
