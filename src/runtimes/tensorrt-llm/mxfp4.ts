import type { ModelTensor } from "../../model/model.ts";
import { padTo } from "../pad.ts";
import type { TensorrtLlmSettings } from "./settings.ts";

/** Elements that share a scale. */
const GROUP = 32;
/** The kernels' tiles: a log of gpt-oss-120b says 63.32 GiB, which is both widths, 2,880, padded to 2,944. */
const TILE = 128;

const GATE_UP = /gate_up_proj_(blocks|scales)$/;
const DOWN = /down_proj_(blocks|scales)$/;

/** Bytes of packed experts on one GPU, padded; undefined for other tensors. Shapes are `[experts, rows, groups(, 16)]`. */
export function paddedExpertBytes(
  { name, shape }: ModelTensor,
  { tensorParallel, expertParallel }: TensorrtLlmSettings,
): number | undefined {
  const [experts = 0, rows = 0, groups = 0, bytes = 1] = shape;
  const slices = tensorParallel / expertParallel;
  const local = Math.ceil(experts / expertParallel);
  if (GATE_UP.test(name)) {
    const intermediate = padTo(Math.ceil(rows / 2 / slices), TILE);
    return local * 2 * intermediate * (padTo(groups * GROUP, TILE) / GROUP) * bytes;
  }
  if (!DOWN.test(name)) return undefined;
  const intermediate = padTo(Math.ceil((groups * GROUP) / slices), TILE);
  return local * padTo(rows, TILE) * (intermediate / GROUP) * bytes;
}
