/**
 * Holds graphs that weighin draws against the engine's, line by line, and what both reserve:
 *
 *   npx tsx conformance/llama-cpp/graphs/try.ts <architecture>,... [--all]
 *
 * A name that ends in `*` stands for all that begin so. `--all` asks for the compute workloads of the golden file as well.
 */
import { inspectModel } from "../../../src/inspect.ts";
import { GRAPH_BUILDERS } from "../../../src/runtimes/llama-cpp/graph/registry.ts";
import { reserveCompute } from "../../../src/runtimes/llama-cpp/reserve.ts";
import { askDevices, prepareEngine } from "../engine.ts";
import { gpus, PLACEMENTS, type PlacedWorkload, placedFlags } from "../placements.ts";
import { askGraph, fileOf } from "./ask.ts";
import { drawnOnHost, subjectOf, targetOf } from "./drawn.ts";
import { type GraphModel, graphModels, titleOf } from "./models.ts";
import { COMPUTE_WORKLOADS } from "./workloads.ts";
import { writtenGraph } from "./written.ts";

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
  { contextTokens: 4096, sequences: 2, rollbackRows: 3, embeddings: true },
];

/** Layers, caches and outputs of an Apple GPU on the host as well. */
const ON_METAL = (
  [
    { contextTokens: 4096, gpuLayers: 2 },
    { contextTokens: 4096, gpuLayers: 0 },
    { contextTokens: 4096, offloadCache: false },
    { contextTokens: 4096, sequences: 2, embeddings: true, rollbackRows: 2 },
    { contextTokens: 5000, sequences: 3, unifiedCache: true, flashAttention: "off" },
  ] satisfies PlacedWorkload[]
).map((workload): PlacedWorkload => ({ ...workload, devices: gpus([24], "metal") }));

const [, , names = "", ...flags] = process.argv;
prepareEngine();
let exact = 0;
let asked = 0;
const failed = new Set<string>();
const unanswered: string[] = [];
for (const model of graphModels()) if (names.split(",").some((name) => isMeant(name, model.row))) await tryModel(model);
console.log(`${exact}/${asked} exact; not: ${[...failed].join(", ") || "none"}`);
if (unanswered.length > 0) console.log(`llama.cpp takes no such model: ${unanswered.join(", ")}`);

function isMeant(name: string, { architecture }: GraphModel["row"]): boolean {
  return name.endsWith("*") ? architecture.startsWith(name.slice(0, -1)) : name === architecture;
}

async function tryModel(graphModel: GraphModel): Promise<void> {
  const title = titleOf(graphModel);
  const file = fileOf(graphModel);
  const model = await inspectModel(file.path);
  const builder = GRAPH_BUILDERS.get(model.architecture ?? "");
  const target = await targetOf(graphModel);
  if (builder === undefined) return void console.log(`${title}: no builder`);
  const before = asked;
  const more = flags.includes("--all") ? COMPUTE_WORKLOADS.map(({ workload }) => workload) : [];
  for (const workload of [...ON_HOST, ...PLACEMENTS, ...ON_METAL, ...more]) {
    const say = (text: string): void => {
      failed.add(title);
      console.log(`${title} ${JSON.stringify(workload)}: ${text}`);
    };
    const answer = askDevices(file.path, [...file.beside, ...placedFlags(workload)]);
    if (answer === undefined || "refused" in answer) continue;
    asked += 1;
    try {
      const subject = subjectOf(model, workload, target);
      if (ON_HOST.includes(workload)) {
        const ours = writtenGraph(drawnOnHost(subject, builder));
        const theirs = askGraph(file, workload);
        if (!Array.isArray(theirs)) continue;
        if (ours.join("\n") !== theirs.join("\n")) {
          say(difference(ours, theirs));
          continue;
        }
      }
      const { host, gpus } = subject.placement;
      const isEqual = (["allocated", "measured"] as const).every((way) => {
        const reserved = reserveCompute(subject, builder, way);
        const ours = [host, ...gpus].map((device) => reserved.get(device)?.buffer ?? 0);
        const theirs = answer.devices.map(([, , compute, measured = compute]) =>
          way === "measured" ? measured : compute,
        );
        if (theirs.every((bytes, index) => bytes === (ours[index] ?? 0))) return true;
        say(`${way} ${ours.join()}, llama.cpp ${theirs.join()}`);
        return false;
      });
      if (isEqual) exact += 1;
    } catch (error) {
      say(error instanceof Error ? (error.stack ?? error.message).split("\n").slice(0, 4).join(" | ") : String(error));
    }
  }
  if (asked === before) unanswered.push(title);
}

/** The first node that differs with its surroundings, by content alone: ids differ after the first leaf that does. */
function difference(ours: readonly string[], theirs: readonly string[]): string {
  const contents = (lines: readonly string[], kind: "L" | "N", cells: number): string[] =>
    lines.filter((line) => line.startsWith(kind)).map((line) => line.split("\t").slice(1, cells).join(" "));
  const [a, b] = [contents(ours, "N", 6), contents(theirs, "N", 6)];
  const differing = b.findIndex((line, index) => line !== a[index]);
  const node = differing < 0 && a.length > b.length ? b.length : differing;
  const around = (lines: readonly string[]): string => lines.slice(Math.max(0, node - 4), node + 5).join("\n      ");
  if (node >= 0) return `node ${node} of ${b.length} (ours ${a.length})${both(around(a), around(b))}`;
  const [c, d] = [contents(ours, "L", 9), contents(theirs, "L", 9)];
  const leaf = d.findIndex((line, index) => line !== c[index]);
  if (leaf >= 0) return `leaf ${leaf} of ${d.length} (ours ${c.length})${both(c[leaf], d[leaf])}`;
  const line = theirs.findIndex((each, index) => each !== ours[index]);
  return `line ${line}${both(ours[line], theirs[line])}`;
}

function both(ours = "nothing", theirs = "nothing"): string {
  return `\n    ours\n      ${ours}\n    llama.cpp\n      ${theirs}`;
}
