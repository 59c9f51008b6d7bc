import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeHoleyFile } from "../../holey-file.ts";
import { ARCHITECTURE_CASES } from "../architectures/cases.ts";
import { ggufOfKeys } from "../architectures/keys.ts";
import { askDevices, SAVED_MODELS, WORK } from "../engine.ts";
import { byDevice } from "../placed.ts";
import { type PlacedWorkload, placedFlags } from "../placements.ts";
import { besides } from "../whole-models/ask.ts";
import { keysOfRows, type WholeModelRow } from "../whole-models/golden.ts";
import { unfoldTensors } from "../whole-models/tensors.ts";
import { hashedGraph } from "./blocks.ts";
import { type ComputeBytes, type GraphRow, WHOLE_GRAPHS, wholeGraphPath } from "./golden.ts";
import { COMPUTE_WORKLOADS, GRAPH_WORKLOADS } from "./workloads.ts";
import { engineLines } from "./written.ts";

const MODEL = join(WORK, "graphs.gguf");
const GRAPH = join(WORK, "graphs.tsv");

/** A model as a file that the engine reads, and the model it drafts for beside it. */
export type AskedFile = { readonly path: string; readonly beside: readonly string[] };

/** Makes the file of a whole model. Those that llama.cpp's own test saved are whole files already. */
export function fileOf(row: WholeModelRow, path: string = MODEL): AskedFile {
  const { architecture, title } = row;
  if (row.keys === "saved-models") return { path: join(SAVED_MODELS, `${architecture}-${title}.gguf`), beside: [] };
  writeHoleyFile(path, ggufOfKeys(architecture, keysOfRows()(row).keys, unfoldTensors(row.tensors)));
  const drafts = ARCHITECTURE_CASES.find((each) => each.architecture === architecture && each.title === title);
  return { path, beside: besides(drafts?.draftsFor) };
}

/** Asks for the graphs of every whole model, and for the compute buffers of most. */
export function askGraphs(rows: readonly WholeModelRow[]): GraphRow[] {
  return rows.map((row) => {
    const { keys, architecture, title, tied } = row;
    const file = fileOf(row);
    const graphs = GRAPH_WORKLOADS.map((workload, index) => {
      const lines = askGraph(file, workload);
      if (!Array.isArray(lines)) return lines;
      const isKept =
        WHOLE_GRAPHS.includes(architecture) && keys === "architectures" && title === "" && !tied && index === 0;
      if (isKept) writeFileSync(wholeGraphPath(architecture), `${lines.join("\n")}\n`);
      return hashedGraph(lines);
    });
    const named = { keys, architecture, title, ...(tied ? { tied } : {}) };
    if (keys === "saved-models" || tied) return { ...named, graphs };
    return { ...named, graphs, compute: COMPUTE_WORKLOADS.map((workload) => askCompute(file, workload)) };
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
