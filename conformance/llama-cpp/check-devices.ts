import { isDeepStrictEqual } from "node:util";
import { inspectModel } from "../../src/inspect.ts";
import { type PartResult, verdict } from "../part.ts";
import { missingTool, prepareEngine, SAVED_MODELS, saveTestModels } from "./engine.ts";
import { askLoading, readLoading } from "./loading.ts";
import { fixtureModels, publishedShapes } from "./models.ts";
import { askPlaced, comparePlaced, placedVerdict, readPlaced } from "./placed.ts";
import { PUBLISHED_PLACEMENTS } from "./placements.ts";
import { askVariants } from "./variants/ask.ts";
import { compareVariant, knownCases } from "./variants/compare.ts";
import { readVariants } from "./variants/golden.ts";
import { askWholeModels } from "./whole-models/ask.ts";
import { compareWholeModel } from "./whole-models/compare.ts";
import { keysOfRows, readWholeModels } from "./whole-models/golden.ts";

/** Holds weights, cache, output and work buffer of every architecture against the golden numbers, on CPU and GPUs. */
export async function checkWholeModels(): Promise<PartResult> {
  const keysOf = keysOfRows();
  const { rows } = readWholeModels();
  const counts = new Map<string, number>();
  const differences: string[] = [];
  for (const row of rows) {
    const { host, devices, differences: found } = await compareWholeModel(row, keysOf(row));
    for (const [part, count] of [...Object.entries(host), ...Object.entries(devices)]) {
      counts.set(part, (counts.get(part) ?? 0) + count);
    }
    differences.push(...found.map((text) => `${row.architecture} ${row.title}: ${text}`));
  }
  const architectures = new Set(rows.map(({ architecture }) => architecture)).size;
  return verdict(
    "weighin against llama.cpp: whole models of every architecture, on a CPU and on GPUs",
    `${rows.length} models of ${architectures} architectures; ${inWords(counts, differences.length)}`,
    differences,
  );
}

/** Holds models without one of their tensors, deeper ones and those of other types against the golden numbers. */
export async function checkVariants(): Promise<PartResult> {
  const known = knownCases();
  const { rows } = readVariants();
  const counts = new Map<string, number>();
  const differences: string[] = [];
  for (const row of rows) {
    const { exact, differences: found } = await compareVariant(row, known);
    for (const [part, count] of Object.entries(exact)) counts.set(part, (counts.get(part) ?? 0) + count);
    differences.push(...found.map((text) => `${row.architecture} ${row.title} ${row.variant}: ${text}`));
  }
  const name = "weighin against llama.cpp: variants of models, on a CPU and on GPUs";
  return verdict(name, `${rows.length} models; ${inWords(counts, differences.length)}`, differences);
}

/** Holds models of published shape and size against the golden numbers, on CPU and GPUs. */
export async function checkPublishedPlacements(): Promise<PartResult> {
  const name = "weighin against llama.cpp: models of published size, on a CPU and on GPUs";
  const shapes = publishedShapes();
  if (shapes === undefined)
    return { name, state: "skipped", summary: "their generator is in WEIGHIN_SHARED, which is not there" };
  const paths = new Map(shapes.map((shape) => [shape.name, shape.path]));
  const placed = placedVerdict();
  const differences: string[] = [];
  let exact = 0;
  let asked = 0;
  for (const row of readPlaced().rows) {
    const model = await inspectModel(paths.get(row.model) ?? row.model);
    for (const [index, workload] of PUBLISHED_PLACEMENTS.entries()) {
      const before = placed.differences.length;
      comparePlaced(model, workload, row.placed[index], placed, row.outputBytes[index]);
      asked += 1;
      if (placed.differences.length === before) exact += 1;
      differences.push(...placed.differences.slice(before).map((text) => `${row.model} ${text}`));
    }
  }
  const counts = new Map(Object.entries(placed.exact));
  return verdict(name, `${exact}/${asked} exact: ${inWords(counts, differences.length)}`, differences);
}

function inWords(counts: ReadonlyMap<string, number>, wrong: number): string {
  const of = (part: string): number => counts.get(part) ?? 0;
  const exact = of("weights") + of("cache") + of("output") + of("work");
  const parts = ["weights", "cache", "output", "work"]
    .filter((part) => of(part) > 0)
    .map((part) => `${part} ${of(part)}`);
  return `${exact}/${exact + wrong} exact (${parts.join(", ")}), ${of("compute")} compute and ${of("workInBounds")} work buffers in bounds, ${of("refusals")} refused alike`;
}

/** Asks again about whole models and about those of published size. */
export async function checkDeviceNumbers(): Promise<PartResult> {
  const name = "llama.cpp gives the golden numbers of whole models, variants, loading and devices";
  const missing = missingTool();
  if (missing !== undefined) return { name, state: "skipped", summary: missing };
  prepareEngine();
  saveTestModels(SAVED_MODELS);
  const shapes = publishedShapes();
  const golden: readonly object[] = [
    ...readWholeModels().rows,
    ...readVariants().rows,
    ...readLoading().rows,
    ...(shapes ? readPlaced().rows : []),
  ];
  const now: readonly object[] = [
    ...(await askWholeModels()),
    ...askVariants(),
    ...fixtureModels().map(askLoading),
    ...(shapes ?? []).map(askPlaced),
  ];
  const differences = golden.flatMap((row, index) =>
    isDeepStrictEqual(row, JSON.parse(JSON.stringify(now[index] ?? null)))
      ? []
      : [`golden ${JSON.stringify(row).slice(0, 200)}, now ${JSON.stringify(now[index])?.slice(0, 200)}`],
  );
  const note = shapes ? "" : "; skipped published sizes (their generator is in WEIGHIN_SHARED, which is not there)";
  if (golden.length !== now.length) differences.push(`golden ${golden.length} models, now ${now.length}`);
  return verdict(name, `${golden.length} models${note}`, differences);
}
