import { InspectError } from "../../errors.ts";
import { attentionPart, recurrentPart } from "../../model/mixer-parts.ts";
import type { Model } from "../../model/model.ts";
import type { Device } from "../device.ts";
import { refuse } from "../refuse.ts";
import { ENGINE } from "./version.ts";

/** What the engine decides by. */
type Split = {
  readonly tensorParallel: number;
  readonly pipelineParallel: number;
  readonly expertParallel: number;
  readonly attentionDp: boolean;
  readonly maxBeamWidth: number;
};

/** Throws for what the engine itself does not take. */
export function checkModel(model: Model, split: Split): void {
  if (model.encoder !== undefined) {
    throw new InspectError(
      "unsupported-runtime",
      `${ENGINE}'s PyTorch backend loads no encoder-decoder such as ${model.architecture ?? "this model"} (docs/source/models/supported-models.md); ask transformers`,
      { key: "runtime" },
    );
  }
  checkParallel(model, split);
  if (split.maxBeamWidth > 1 && model.layers.some(({ mixer }) => recurrentPart(mixer) !== undefined))
    refuse("maxBeamWidth", "a recurrence takes no beam search (_util.py, _create_kv_cache_manager): ask for 1 beam");
}

/** `mapping.py`, Mapping; `modules/attention.py`, Attention; `modeling_utils.py`, duplicate_kv_weight. */
function checkParallel(model: Model, { tensorParallel, pipelineParallel, expertParallel, attentionDp }: Split): void {
  if (tensorParallel % expertParallel !== 0)
    refuse("expertParallel", `${expertParallel} must divide the ${tensorParallel} GPUs of tensorParallel`);
  const layers = model.layers.filter(({ mtp }) => mtp !== true);
  if (layers.length > 0 && pipelineParallel > layers.length)
    refuse("pipelineParallel", `${pipelineParallel} stages are more than the model's ${layers.length} layers`);
  if (attentionDp) return;
  for (const { mixer } of layers) {
    const attention = attentionPart(mixer);
    if (attention === undefined) continue;
    if (attention.heads % tensorParallel !== 0)
      refuse("tensorParallel", `${attention.heads} heads do not divide by ${tensorParallel}; ask for a divisor`);
    if (attention.kind === "latent") continue;
    const { kvHeads } = attention;
    const divides = kvHeads >= tensorParallel ? kvHeads % tensorParallel === 0 : tensorParallel % kvHeads === 0;
    if (kvHeads > 0 && !divides)
      refuse("tensorParallel", `${kvHeads} key-value heads are neither a multiple nor a divisor of ${tensorParallel}`);
  }
}

/** The engine runs on NVIDIA GPUs alone. */
export function checkDevices(devices: readonly Device[]): void {
  const other = devices.find(({ kind }) => kind !== "cuda");
  if (other !== undefined) refuse("devices", `${ENGINE} runs on CUDA devices, and ${other.name} is ${other.kind}`);
}
