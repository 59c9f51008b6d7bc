import { InspectError } from "../../errors.ts";
import type { Model } from "../../model/model.ts";
import type { MemoryEstimate } from "../estimate.ts";
import type { TrainingWorkload } from "./workload.ts";

/** What training allocates. */
export function estimateTraining(_model: Model, _workload: TrainingWorkload): MemoryEstimate {
  throw new InspectError("unsupported-runtime", "training is not weighed yet", { key: "runtime" });
}
