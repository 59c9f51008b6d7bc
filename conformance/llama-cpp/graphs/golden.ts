import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type GoldenFile, goldenPath } from "../golden.ts";
import type { WholeModelRow } from "../whole-models/golden.ts";
import type { HashedGraph } from "./blocks.ts";

/** Bytes of the compute buffer on the CPU and on each GPU. */
export type ComputeBytes = readonly number[];

/**
 * What the engine said of the graphs of one model, which is that of a row of `whole-models.json`. By workload; a text is the
 * reason of a refusal, null where the engine broke off.
 */
export type GraphRow = Pick<WholeModelRow, "keys" | "architecture" | "title" | "tied"> & {
  /** Title of the variant of that model (`variants/`). */
  readonly variant?: string;
  readonly graphs: readonly (HashedGraph | string | null)[];
  /** Of models of our own cases that are not tied. */
  readonly compute?: readonly (ComputeBytes | string | null)[];
};

export function readGraphs(): GoldenFile<GraphRow> {
  return JSON.parse(readFileSync(goldenPath("graphs"), "utf8"));
}

/** Models whose graphs are kept whole, by architecture: dense, mixture with latent attention, delta nets, shared caches. */
export const WHOLE_GRAPHS: readonly string[] = ["llama", "deepseek2", "qwen3next", "gemma3n"];

/** Path of a graph that is kept whole, as `ask --graph` writes it. */
export function wholeGraphPath(architecture: string): string {
  return fileURLToPath(new URL(`../golden/graphs/${architecture}.tsv`, import.meta.url));
}
