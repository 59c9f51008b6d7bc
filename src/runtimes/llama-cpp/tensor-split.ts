import type { Model } from "../../model/model.ts";
import type { Device } from "../device.ts";
import type { MemoryItem } from "../estimate.ts";
import { shareEnds } from "./placement.ts";
import type { LlamaCppSettings } from "./settings.ts";

/** Architectures that the engine refuses to split by tensors (`llm_arch_supports_sm_tensor`, `src/llama-arch.cpp:1130`). */
export const NOT_SPLIT_BY_TENSORS: ReadonlySet<string> = new Set(
  [
    "grok mpt plamo2 minicpm3 gemma3n mamba mamba2 jamba falcon-h1 olmo2 olmoe deepseek2 deepseek32 hy_v4 dots3note glm-dsa",
    "bitnet t5 nemotron_h nemotron_h_moe granitehybrid minimax-01 minimax-m2 minimax-m3 mistral4 kimi-linear bailingmoe3",
    "kimi-k3 qwen3tts qwen4exp",
  ].flatMap((names) => names.split(" ")),
);

const SOURCE = "llama.cpp 0.5.0 src/llama-model.cpp:374-790, llama_meta_device_get_split_state";

/** Stands for all GPUs while a model is placed that is split among them. */
export function joinedGpu(gpus: readonly Device[]): Device {
  return { name: gpus.map(({ name }) => name).join(" + "), kind: gpus[0]?.kind ?? "cuda" };
}

/**
 * The parts that each GPU takes of items that lie on all of them. Matrices, caches and the output are cut by share, in
 * whole heads and blocks; vectors are on each. What the cuts round to is not computed: a share may be a head more or less.
 * Activations may be whole on each.
 */
export function splitAmongGpus(
  items: readonly MemoryItem[],
  model: Model,
  gpus: readonly Device[],
  settings: LlamaCppSettings,
): MemoryItem[] {
  const joined = joinedGpu(gpus).name;
  const ends = shareEnds(gpus, settings.tensorSplit);
  const rounding = 1 / Math.max(1, smallestHeads(model));
  return items.flatMap((item) => {
    if (item.device !== joined) return [item];
    return gpus.map(({ name }, index): MemoryItem => {
      // Each device has a context of its own.
      if (item.component === "overhead") return { ...item, device: name };
      const share = (ends[index] ?? 1) - (ends[index - 1] ?? 0);
      const { bytes, low = bytes, high = bytes } = item;
      const whole = item.component === "compute";
      return {
        ...item,
        device: name,
        bytes: Math.round(bytes * share),
        certainty: "estimate",
        source: SOURCE,
        low: Math.floor(low * Math.max(0, share - rounding)),
        high: Math.ceil(whole ? high : high * Math.min(1, share + rounding)),
      };
    });
  });
}

/** Key-value heads of the layer that has fewest: cuts go between them. */
function smallestHeads({ kvHeads }: Model): number {
  const counts = typeof kvHeads === "number" ? [kvHeads] : (kvHeads ?? []);
  return Math.min(...counts.filter((count) => count > 0), Number.MAX_SAFE_INTEGER);
}
