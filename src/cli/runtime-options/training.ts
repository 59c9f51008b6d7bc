import type { TrainingWorkload } from "../../runtimes/training/workload.ts";
import type { RuntimeOption } from "./runtime-option.ts";

export const TRAINING_OPTIONS: readonly RuntimeOption<keyof TrainingWorkload>[] = [];
