import { InspectError } from "../../errors.ts";
import type { Model } from "../../model/model.ts";
import type { MemoryEstimate } from "../estimate.ts";
import type { MlxWorkload } from "./workload.ts";

/** What mlx-lm allocates. */
export function estimateMlx(_model: Model, _workload: MlxWorkload): MemoryEstimate {
  throw new InspectError("unsupported-runtime", "mlx-lm is not weighed yet", { key: "runtime" });
}
