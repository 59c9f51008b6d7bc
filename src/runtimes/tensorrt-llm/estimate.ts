import { InspectError } from "../../errors.ts";
import type { Model } from "../../model/model.ts";
import type { MemoryEstimate } from "../estimate.ts";
import type { TensorrtLlmWorkload } from "./workload.ts";

/** What TensorRT-LLM allocates. */
export function estimateTensorrtLlm(_model: Model, _workload: TensorrtLlmWorkload): MemoryEstimate {
  throw new InspectError("unsupported-runtime", "TensorRT-LLM is not weighed yet", { key: "runtime" });
}
