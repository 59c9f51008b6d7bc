import type { GraphSubject } from "./graph/context.ts";
import type { Reservation } from "./reserve.ts";

/** A model in a context, of which a graph is drawn; a draft beside its target. */
export type DrawnSubject = Omit<GraphSubject, "tensors" | "hp" | "target"> & { readonly target?: DrawnSubject };

/** Draws the graph of a model and plans it; undefined where its architecture has no graph, or its file lacks a tensor. */
export type DrawCompute = (subject: DrawnSubject) => Reservation | undefined;

let draw: DrawCompute | undefined;

/**
 * Loads what draws the compute graphs of GGUF models in llama.cpp. `inspectModel` does so itself; a model that comes from
 * elsewhere, such as JSON, is to be prepared by this before `estimateMemory`, whose compute buffers are estimates otherwise.
 * The graphs of all architectures are as much code as all the rest: a program that reads no GGUF file never loads them.
 *
 * @example
 * ```ts
 * import { estimateMemory, inspectModel, loadComputeGraphs, type Model } from "weighin";
 *
 * const model: Model = JSON.parse(JSON.stringify(await inspectModel("fixtures/files/demo.gguf")));
 * await loadComputeGraphs();
 * console.log(estimateMemory(model, { runtime: "llama.cpp" }).totals.compute);
 * ```
 */
export async function loadComputeGraphs(): Promise<void> {
  draw ??= (await import("./draw-compute.ts")).drawCompute;
}

/** True where {@link loadComputeGraphs} has been called. */
export function graphsAreLoaded(): boolean {
  return draw !== undefined;
}

/** What each device takes to compute, by the graph of the model's architecture; undefined where none can be drawn. */
export function drawnCompute(subject: DrawnSubject): Reservation | undefined {
  return draw?.(subject);
}
