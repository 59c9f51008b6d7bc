import type { Model } from "../../model/model.ts";
import { padTo } from "../pad.ts";
import type { VllmSettings } from "./settings.ts";
import { stageOf } from "./shards.ts";

/** Widths that the Marlin kernel of MXFP4 experts takes: hidden by 256, inner by 128. */
const HIDDEN_STEP = 256;
const INNER_STEP = 128;

/** Model types whose experts were seen padded so. */
const PADDED: ReadonlySet<string> = new Set(["gpt_oss"]);

/** Bytes of a row of packed weights: half a byte each, and one scale for 32. */
const rowBytes = (width: number): number => width / 2 + width / 32;

/** Biases are kept in float32, from two bytes in the file. */
const [BIAS_BYTES, FILE_BIAS_BYTES] = [4, 2];

/**
 * What the MXFP4 experts of gpt-oss take beyond their file: rows and columns of padding, wider biases. Read off the logs of
 * H100 and A100, where it is 5.2 GiB of gpt-oss-120b; kernels of Blackwell may pad otherwise.
 */
export function mxfp4PaddingBytes(model: Model, settings: VllmSettings, stage: number): number {
  const { hiddenSize, layerCount } = model;
  if (model.quantization?.method !== "mxfp4" || !PADDED.has(model.architecture ?? "") || hiddenSize === null) return 0;
  let bytes = 0;
  for (const { index, feedForward } of model.layers) {
    if (feedForward.kind !== "experts") continue;
    if (stageOf(index, layerCount ?? model.layers.length, settings.pipelineParallel) !== stage) continue;
    const inner = feedForward.expertIntermediateSize;
    const [wideHidden, wideInner] = [padTo(hiddenSize, HIDDEN_STEP), padTo(inner, INNER_STEP)];
    const padded =
      2 * wideInner * rowBytes(wideHidden) +
      wideHidden * rowBytes(wideInner) +
      (2 * wideInner + wideHidden) * BIAS_BYTES;
    const stored =
      2 * inner * rowBytes(hiddenSize) + hiddenSize * rowBytes(inner) + (2 * inner + hiddenSize) * FILE_BIAS_BYTES;
    bytes += feedForward.experts * (padded - stored);
  }
  return Math.ceil(bytes / settings.tensorParallel);
}
