export type { Diagnostic } from "./diagnostics.ts";
export { type InspectCode, InspectError, type InspectWhere, isInspectError } from "./errors.ts";
export type { ModelInput } from "./inspection.ts";
export { DEFAULT_LIMITS, type Limits } from "./limits.ts";
export type { FeedForward } from "./model/feed-forward.ts";
export type { Mixer } from "./model/mixer.ts";
export type { Component, Model, ModelCompanion, ModelFile, ModelLayer, ModelTensor } from "./model/model.ts";
export type { InspectOptions } from "./options.ts";
export type { Certainty, MemoryEstimate, MemoryItem, MemoryTotals } from "./runtimes/estimate.ts";
export { estimateMemory } from "./runtimes/estimate-memory.ts";
export { type DeviceFit, fitDevices } from "./runtimes/fit.ts";
export { largestContext } from "./runtimes/largest-context.ts";
export { runtimesFor } from "./runtimes/runtimes-for.ts";
export type {
  Device,
  LlamaCppWorkload,
  RuntimeName,
  TensorOverride,
  TransformersWorkload,
  Workload,
} from "./runtimes/workload.ts";
export type { ByteSource } from "./source/byte-source.ts";
export type { Progress } from "./source/resolved.ts";
