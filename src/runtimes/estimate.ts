import type { Diagnostic } from "../diagnostics.ts";
import type { RuntimeName } from "./workload.ts";

/**
 * `exact`: equals the engine's own allocation, conformance-tested. `derived`: closed form from the engine's source,
 * not yet compared with a run. `estimate`: carries `low` and `high`.
 *
 * @example
 * ```ts
 * import type { Certainty } from "weighin";
 *
 * const marks: { readonly [certainty in Certainty]: string } = { exact: "=", derived: "", estimate: "~" };
 * ```
 */
export type Certainty = "exact" | "derived" | "estimate";

/**
 * One allocation, or several alike.
 *
 * @example
 * ```ts
 * import { estimateMemory, inspectModel, type MemoryItem } from "weighin";
 *
 * const model = await inspectModel("fixtures/files/demo.gguf");
 * const items: readonly MemoryItem[] = estimateMemory(model, { runtime: "llama.cpp" }).items;
 * const cited = items.every((item) => item.source !== "");
 * console.log(cited); // true
 * ```
 */
export type MemoryItem = {
  /** `gradients` and `optimizer`, its states and what it keeps beside them, are training's only. */
  readonly component: "weights" | "gradients" | "optimizer" | "cache" | "compute" | "overhead";
  readonly label: string;
  readonly device: string;
  readonly bytes: number;
  readonly certainty: Certainty;
  /** What the figure follows from: engine, version and place. */
  readonly source: string;
  /** Only for estimates: bounds in bytes. */
  readonly low?: number;
  readonly high?: number;
  /** Takes what the other items leave of a fixed share of the device, so that it is at its high where they are at their low. */
  readonly fills?: true;
};

/**
 * Sums of items. A part that cannot be computed is null, and so is every sum it belongs to; `low` still holds.
 *
 * @example
 * ```ts
 * import { estimateMemory, inspectModel, type MemoryTotals } from "weighin";
 *
 * const model = await inspectModel("fixtures/files/demo.gguf");
 * const totals: MemoryTotals = estimateMemory(model, { runtime: "llama.cpp" }).totals;
 * if (totals.total === null) console.log("a part of this model is not known");
 * ```
 */
export type MemoryTotals = {
  /** Of the tensors there are: 0 of a file without any, whose total is null. */
  readonly weights: number;
  /** Only of training, as `optimizer`. */
  readonly gradients?: number;
  readonly optimizer?: number;
  readonly cache: number | null;
  readonly compute: number | null;
  readonly overhead: number | null;
  readonly total: number | null;
  readonly low: number;
  readonly high: number | null;
};

/**
 * What a serving runtime holds in the cache pool it allocates at its start.
 *
 * @example
 * ```ts
 * import type { Capacity } from "weighin";
 *
 * const serves = (capacity: Capacity, requests: number): boolean => capacity.concurrency >= requests;
 * ```
 */
export type Capacity = {
  /** Bytes of the pool on each device that computes with it, whole blocks. */
  readonly poolBytes: number;
  /** Blocks of the pool. */
  readonly blocks: number;
  /** Tokens it holds: with requests as long as the workload's context. */
  readonly tokens: number;
  /** Tokens as releases before the meaning changed print them, where the engine has two meanings (vLLM before 0.21). */
  readonly tokensAsOldLogs: number;
  /** Requests as long as the workload's context that it holds at once; below 1 the engine does not start. */
  readonly concurrency: number;
  /** `exact` or `derived` when the pool is given; `estimate` when it is what the rest leaves, which has a range. */
  readonly certainty: Certainty;
  /** Of `concurrency`, when the pool is an estimate. */
  readonly low?: number;
  readonly high?: number;
};

/**
 * What one runtime allocates for one workload. All sizes are bytes.
 *
 * @example
 * ```ts
 * import { estimateMemory, inspectModel, type MemoryEstimate } from "weighin";
 *
 * const model = await inspectModel("fixtures/files/demo.gguf");
 * const memory: MemoryEstimate = estimateMemory(model, { runtime: "llama.cpp", contextTokens: 4096 });
 * console.log(memory.runtime, memory.runtimeVersion); // llama.cpp 0.5.0
 * ```
 */
export type MemoryEstimate = {
  readonly schemaVersion: 1;
  readonly runtime: RuntimeName;
  /** Version of the engine whose source the rules were read from. */
  readonly runtimeVersion: string;
  /** The workload with every default filled in. */
  readonly workload: { readonly [option: string]: unknown };
  readonly items: readonly MemoryItem[];
  readonly devices: readonly ({ readonly name: string } & MemoryTotals)[];
  readonly totals: MemoryTotals;
  /** Cache bytes that one more token of one sequence takes, in a context too short to fill any window. */
  readonly cachePerToken: number | null;
  /** Cache bytes of one sequence at the workload's context. */
  readonly cachePerSequence: number | null;
  /** Only of serving runtimes whose cache is a pool of known size. */
  readonly capacity?: Capacity;
  readonly diagnostics: readonly Diagnostic[];
};
