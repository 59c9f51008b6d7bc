import { InspectError } from "../../errors.ts";
import type { Model } from "../../model/model.ts";
import type { MemoryEstimate } from "../estimate.ts";
import type { VllmWorkload } from "./workload.ts";

/** What vLLM allocates. */
export function estimateVllm(_model: Model, _workload: VllmWorkload): MemoryEstimate {
  throw new InspectError("unsupported-runtime", "vLLM is not weighed yet", { key: "runtime" });
}
