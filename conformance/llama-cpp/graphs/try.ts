/**
 * Holds graphs that weighin draws against the engine's, line by line, and what both reserve:
 *
 *   npx tsx conformance/llama-cpp/graphs/try.ts <architecture>,... [--show]
 *
 * `--show` prints the engine's graph around the first difference. Architectures that end in `*` stand for all that begin so.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type GgufTensor, writeGguf } from "../../../fixtures/write-gguf.ts";
import { inspectModel } from "../../../src/inspect.ts";
import { batchFitsContext, cellsOf } from "../../../src/runtimes/llama-cpp/cells.ts";
import { blockCount } from "../../../src/runtimes/llama-cpp/cached-layers.ts";
import { drawGraph } from "../../../src/runtimes/llama-cpp/graph/draw.ts";
import type { GraphSubject } from "../../../src/runtimes/llama-cpp/graph/context.ts";
import { GRAPH_BUILDERS } from "../../../src/runtimes/llama-cpp/graph/registry.ts";
import { placeBlocks } from "../../../src/runtimes/llama-cpp/placement.ts";
import { batchesOf, reserveCompute } from "../../../src/runtimes/llama-cpp/reserve.ts";
import { resolveSettings } from "../../../src/runtimes/llama-cpp/settings.ts";
import { placeTensors } from "../../../src/runtimes/llama-cpp/tensor-place.ts";
import { ggufOfKeys } from "../architectures/keys.ts";
import { ARCHITECTURE_CASES } from "../architectures/cases.ts";
import { askDevices, prepareEngine, SAVED_MODELS, WORK } from "../engine.ts";
import { besides } from "../whole-models/ask.ts";
import { keysOfRows, readWholeModels, type WholeModelRow } from "../whole-models/golden.ts";
import { unfoldTensors } from "../whole-models/tensors.ts";
import { PLACEMENTS, placedFlags, type PlacedWorkload } from "../placements.ts";
import { VARIANTS, type Variant } from "./variants.ts";
import { engineLines, writtenGraph } from "./written.ts";

const MODEL = join(WORK, "try.gguf");
const GRAPH = join(WORK, "try.graph");

const ON_HOST: readonly PlacedWorkload[] = [
  { contextTokens: 4096 },
  { contextTokens: 4096, flashAttention: "off" },
  { contextTokens: 5000, sequences: 3 },
  { contextTokens: 8192, sequences: 4, unifiedCache: true },
  { contextTokens: 8192, cacheTypeK: "q8_0", cacheTypeV: "q8_0" },
  { contextTokens: 8192, cacheTypeK: "q8_0" },
  { contextTokens: 8192, microBatchTokens: 1024 },
  { contextTokens: 200 },
  { contextTokens: 4096, embeddings: true },
  { contextTokens: 4096, microBatchTokens: 8, sequences: 2 },
  { contextTokens: 4096, outputs: 4 },
];

const [, , names = "", ...flags] = process.argv;
prepareEngine();
let exact = 0;
let asked = 0;
const failed = new Set<string>();
for (const row of readWholeModels().rows) {
  if (!names.split(",").some((name) => (name.endsWith("*") ? row.architecture.startsWith(name.slice(0, -1)) : name === row.architecture)))
    continue;
  await tryRow(row, undefined);
  if (row.keys !== "architectures" || row.title !== "" || row.tied) continue;
  for (const variant of VARIANTS.filter(({ architecture }) => architecture === row.architecture)) await tryRow(row, variant);
}
console.log(`${exact}/${asked} exact; not: ${[...failed].join(" ") || "none"}`);

async function tryRow(row: WholeModelRow, variant: Variant | undefined): Promise<void> {
  const keys = keysOfRows()(row);
  const title = `${variant === undefined ? "" : `(${variant.title}) `}${row.keys === "saved-models" ? "saved " : ""}${row.architecture} ${row.title}${row.tied ? " tied" : ""}`;
  const added = variant?.tensors ?? [];
  const kept = unfoldTensors(row.tensors).filter(
    ({ name }) => variant?.without?.test(name) !== true && added.every((each) => each.name !== name),
  );
  const file = ggufOfKeys(row.architecture, { ...keys.keys, ...variant?.keys }, [
    ...kept,
    ...added,
    ...scalesOf(kept, variant?.scales ?? []),
  ]);
  // A row does not tell the types of a saved model's keys: its own file is asked about.
  const isSaved = row.keys === "saved-models";
  const path = isSaved ? join(SAVED_MODELS, `${row.architecture}-${row.title}.gguf`) : MODEL;
  if (!isSaved) writeFileSync(MODEL, writeGguf(file));
  const model = await inspectModel(path);
  const builder = GRAPH_BUILDERS.get(row.architecture);
  if (builder === undefined) return void console.log(`${title}: no builder`);
  const draftsFor = ARCHITECTURE_CASES.find(({ architecture }) => architecture === row.architecture)?.draftsFor;
  let answered = false;
  const beside = besides(variant?.draftsFor ?? draftsFor);
  for (const workload of [...ON_HOST, ...PLACEMENTS]) {
    const onHost = (workload.devices ?? []).length === 0;
    const graphFlags = onHost ? ["--graph", GRAPH] : [];
    const answer = askDevices(path, [...beside, ...placedFlags(workload), ...graphFlags]);
    if (answer === undefined || "refused" in answer) continue;
    const say = (text: string): void => {
      failed.add(title.trim());
      console.log(`${title} ${JSON.stringify(workload)}: ${text}`);
    };
    asked += 1;
    answered = true;
    try {
      const settings = resolveSettings(model, { runtime: "llama.cpp", ...workload });
      const placement = placeBlocks(settings, blockCount(model));
      const subject: GraphSubject = {
        model,
        settings,
        placement,
        places: placeTensors(model, settings, placement),
        cells: cellsOf(settings, batchFitsContext(model)),
      };
      if (onHost) {
        const flashAttention = settings.flashAttention !== "off" && model.architecture !== "grok";
        const fused = { flashAttention, hyperPre: true, hyperCombine: true, hyperPost: true };
        const [batch] = batchesOf(subject, fused);
        const ours = writtenGraph(drawGraph(subject, { ...batch!, outputs: Math.min(settings.contextTokens === 0 ? 0 : batch!.tokens, subject.cells.full * subject.cells.streams, subject.cells.microBatch) }, builder));
        const theirs = engineLines(readFileSync(GRAPH, "utf8"));
        const at = theirs.findIndex((line, index) => line.startsWith("N") && line !== ours[index + (ours.length - theirs.length) * 0]);
        const leafAt = theirs.findIndex((line, index) => line !== ours[index]);
        if (leafAt >= 0 || ours.length !== theirs.length) {
          say(difference(ours, theirs, at < 0 ? leafAt : at, leafAt));
          if (flags.includes("--show")) return;
          continue;
        }
      }
      const reserved = reserveCompute(subject, builder);
      const theirBytes = answer.devices.map(([, , compute]) => compute);
      const ourBytes = [placement.host, ...placement.gpus].map((device) => reserved.get(device) ?? 0);
      const measured = reserveCompute(subject, builder, "measured");
      const theirMeasured = answer.devices.map(([, , compute, other = compute]) => other);
      const ourMeasured = [placement.host, ...placement.gpus].map((device) => measured.get(device) ?? 0);
      const differs = (ours: readonly number[], theirs: readonly number[]): boolean =>
        theirs.some((bytes, index) => bytes !== (ours[index] ?? 0));
      if (differs(ourBytes, theirBytes)) say(`reserves ${ourBytes.join()}, llama.cpp ${theirBytes.join()}`);
      else if (differs(ourMeasured, theirMeasured)) say(`measures ${ourMeasured.join()}, llama.cpp ${theirMeasured.join()}`);
      else exact += 1;
    } catch (error) {
      say(error instanceof Error ? (error.stack ?? error.message).split("\n").slice(0, 4).join(" | ") : String(error));
    }
  }
  if (!answered) console.log(`${title}: llama.cpp takes no such model`);
}

/** One number for each matrix, or for each expert. */
function scalesOf(tensors: readonly GgufTensor[], names: readonly string[]): readonly GgufTensor[] {
  return tensors
    .filter(({ name }) => names.some((each) => name.endsWith(`.${each}.weight`)))
    .map(({ name, shape }) => ({ name: name.replace(/weight$/, "scale"), type: "F32", shape: [shape[2] ?? 1] }));
}

/** Nodes by their content, whose ids differ after the first leaf that does. */
function difference(ours: readonly string[], theirs: readonly string[], at: number, leafAt: number): string {
  const nodes = (lines: readonly string[]): string[] =>
    lines.filter((line) => line.startsWith("N")).map((line) => line.split("\t").slice(1, 6).join(" "));
  const leafs = (lines: readonly string[]): string[] =>
    lines.filter((line) => line.startsWith("L")).map((line) => line.split("\t").slice(1).join(" "));
  const [a, b] = [nodes(ours), nodes(theirs)];
  const node = b.findIndex((line, index) => line !== a[index]);
  const first = node < 0 && a.length > b.length ? b.length : node;
  const around = (lines: readonly string[]): string => lines.slice(Math.max(0, first - 4), first + 5).join("\n      ");
  if (first >= 0) return `node ${first} of ${b.length} (ours ${a.length})\n    ours\n      ${around(a)}\n    llama.cpp\n      ${around(b)}`;
  const [c, d] = [leafs(ours), leafs(theirs)];
  const leaf = d.findIndex((line, index) => line !== c[index]);
  if (leaf >= 0) return `leaf ${leaf} of ${d.length} (ours ${c.length})\n    ours      ${c[leaf]}\n    llama.cpp ${d[leaf]}`;
  return `line ${Math.max(at, leafAt)}\n    ours      ${ours[Math.max(at, leafAt)]}\n    llama.cpp ${theirs[Math.max(at, leafAt)]}`;
}
