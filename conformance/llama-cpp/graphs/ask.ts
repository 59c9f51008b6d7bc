import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeHoleyFile } from "../../holey-file.ts";
import { askDevices, SAVED_MODELS, WORK } from "../engine.ts";
import { byDevice } from "../placed.ts";
import { type PlacedWorkload, placedFlags } from "../placements.ts";
import { besides } from "../whole-models/ask.ts";
import { hashedGraph } from "./blocks.ts";
import { type ComputeBytes, type GraphRow, WHOLE_GRAPHS, wholeGraphPath } from "./golden.ts";
import { draftsFor, type GraphModel, ggufOf, graphModels } from "./models.ts";
import { COMPUTE_WORKLOADS, GRAPH_WORKLOADS, VARIANT_WORKLOADS } from "./workloads.ts";
import { engineLines } from "./written.ts";

/** Several may ask at once. */
const MODEL = join(WORK, `graphs-${process.pid}.gguf`);
const GRAPH = join(WORK, `graphs-${process.pid}.tsv`);

/** A model as a file that the engine reads, and the model it drafts for beside it. */
export type AskedFile = { readonly path: string; readonly beside: readonly string[] };

/** Makes the file of a model. Those that llama.cpp's own test saved are whole files already. */
export function fileOf(model: GraphModel): AskedFile {
  const { architecture, title, keys } = model.row;
  if (keys === "saved-models") return { path: join(SAVED_MODELS, `${architecture}-${title}.gguf`), beside: [] };
  writeHoleyFile(MODEL, ggufOf(model));
  return { path: MODEL, beside: besides(draftsFor(model)) };
}

/** Asks for the graphs of every model, and for the compute buffers of most. */
export function askGraphs(): GraphRow[] {
  return graphModels().map((model) => {
    const { keys, architecture, title, tied } = model.row;
    const file = fileOf(model);
    const isFirst = keys === "architectures" && !tied && model.variant === undefined;
    const graphs = GRAPH_WORKLOADS.map((workload, index) => {
      const lines = askGraph(file, workload);
      if (!Array.isArray(lines)) return lines;
      const isKept = isFirst && title === "" && index === 0 && WHOLE_GRAPHS.includes(architecture);
      if (isKept) writeFileSync(wholeGraphPath(architecture), `${lines.join("\n")}\n`);
      return hashedGraph(lines);
    });
    const variant = model.variant === undefined ? {} : { variant: model.variant.title };
    const named = { keys, architecture, title, ...(tied ? { tied } : {}), ...variant };
    if (keys === "saved-models" || tied) return { ...named, graphs };
    const workloads = model.variant === undefined ? COMPUTE_WORKLOADS : VARIANT_WORKLOADS;
    return { ...named, graphs, compute: workloads.map(({ workload }) => askCompute(file, workload)) };
  });
}

/** The lines of the engine's graph, or why there are none. */
export function askGraph({ path, beside }: AskedFile, workload: PlacedWorkload): string[] | string | null {
  const answer = byDevice(askDevices(path, [...beside, ...placedFlags(workload), "--graph", GRAPH]));
  return Array.isArray(answer) ? engineLines(readFileSync(GRAPH, "utf8")) : (answer as string | null);
}

function askCompute({ path, beside }: AskedFile, workload: PlacedWorkload): ComputeBytes | string | null {
  const answer = byDevice(askDevices(path, [...beside, ...placedFlags(workload)]));
  if (!Array.isArray(answer)) return answer as string | null;
  return answer.map(([, , compute]) => compute);
}
