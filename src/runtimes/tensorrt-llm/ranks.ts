import type { Model, ModelLayer } from "../../model/model.ts";
import type { Device } from "../device.ts";
import type { TensorrtLlmSettings } from "./settings.ts";

/** One GPU: what it holds of the model. */
export type Rank = {
  readonly device: Device;
  /** Its place in its stage. */
  readonly tensorRank: number;
  readonly isFirstStage: boolean;
  readonly isLastStage: boolean;
  /** The main layers of its stage, in order. */
  readonly layers: readonly ModelLayer[];
};

/** Ranks count through the first stage, then the next (`mapping.py`, Mapping.tp_rank and pp_rank). */
export function ranksOf(model: Model, { devices, tensorParallel, pipelineParallel }: TensorrtLlmSettings): Rank[] {
  const layers = model.layers.filter(({ mtp }) => mtp !== true);
  return devices.map((device, rank) => {
    const stage = Math.floor(rank / tensorParallel);
    return {
      device,
      tensorRank: rank % tensorParallel,
      isFirstStage: stage === 0,
      isLastStage: stage === pipelineParallel - 1,
      layers: layers.slice(...stageOf(layers.length, pipelineParallel, stage)),
    };
  });
}

/** First stages take a layer more where they do not divide (`mapping.py`, Mapping.pp_layers). */
function stageOf(layers: number, stages: number, stage: number): [start: number, end: number] {
  const [each, more] = [Math.floor(layers / stages), layers % stages];
  const start = stage * each + Math.min(stage, more);
  return [start, start + each + (stage < more ? 1 : 0)];
}

/** GPUs of a stage that share the heads of a layer: with attention data parallelism each has them all. */
export function headRanks({ tensorParallel, attentionDp }: TensorrtLlmSettings): number {
  return attentionDp ? 1 : tensorParallel;
}

/** Groups of GPUs that each attend for requests of their own. */
export function requestGroups({ tensorParallel, attentionDp }: TensorrtLlmSettings): number {
  return attentionDp ? tensorParallel : 1;
}
