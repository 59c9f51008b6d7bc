import type { RecurrentMixer, StateTensor } from "../../model/mixer.ts";
import type { Layout } from "./layouts.ts";

const FLOAT32_BYTES = 4;

/** Bytes of a sequence's state in one layer: an `ArraysCache`, one array for each part. */
export function stateBytes({ state }: RecurrentMixer, { float32States }: Layout, elementBytes: number): number {
  return state.reduce((sum, { name, shape }) => {
    const elements = shape.reduce((product, size) => product * size, 1);
    return sum + elements * (float32States?.includes(name) === true ? FLOAT32_BYTES : elementBytes);
  }, 0);
}

export type StateName = StateTensor["name"];
