import { inspectModel } from "../../src/inspect.ts";
import { type PartResult, verdict } from "../part.ts";
import { type Asked, askPart } from "./ask-part.ts";
import { changedRows } from "./changed-rows.ts";
import { comparedVariants, comparedWholeModels } from "./compared.ts";
import { prepareSavedModels } from "./engine.ts";
import { askLoading, readLoading } from "./loading.ts";
import { fixtureModels, publishedShapes } from "./models.ts";
import { askPlaced, comparePlaced, placedVerdict, readPlaced } from "./placed.ts";
import { PUBLISHED_PLACEMENTS } from "./placements.ts";
import { askVariants } from "./variants/ask.ts";
import { readVariants } from "./variants/golden.ts";
import { askWholeModels } from "./whole-models/ask.ts";
import { readWholeModels } from "./whole-models/golden.ts";

/** Holds weights, cache, compute, output and work buffer of every architecture against the golden numbers, on CPU and GPUs. */
export async function checkWholeModels(): Promise<PartResult> {
  const compared = (await comparedWholeModels()).map(({ row, verdict: { host, devices, differences } }) => ({
    name: `${row.architecture} ${row.title}`,
    exact: [host, devices],
    differences,
  }));
  const { counts, differences } = countAll(compared);
  const architectures = new Set((await comparedWholeModels()).map(({ row }) => row.architecture)).size;
  return verdict(
    "weighin against llama.cpp: whole models of every architecture, on a CPU and on GPUs",
    `${compared.length} models of ${architectures} architectures; ${inWords(counts, differences.length)}`,
    differences,
  );
}

/** Holds models without one of their tensors, deeper ones and those of other types against the golden numbers. */
export async function checkVariants(): Promise<PartResult> {
  const compared = (await comparedVariants()).map(({ row, verdict: { exact, differences } }) => ({
    name: `${row.architecture} ${row.title} ${row.variant}`,
    exact: [exact],
    differences,
  }));
  const { counts, differences } = countAll(compared);
  const name = "weighin against llama.cpp: variants of models, on a CPU and on GPUs";
  return verdict(name, `${compared.length} models; ${inWords(counts, differences.length)}`, differences);
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

type Compared = {
  readonly name: string;
  readonly exact: readonly { readonly [quantity: string]: number }[];
  readonly differences: readonly string[];
};

/** Adds up what is exact, by quantity. */
function countAll(all: readonly Compared[]): {
  readonly counts: ReadonlyMap<string, number>;
  readonly differences: readonly string[];
} {
  const counts = new Map<string, number>();
  for (const [quantity, count] of all.flatMap(({ exact }) => exact.flatMap((each) => Object.entries(each)))) {
    counts.set(quantity, (counts.get(quantity) ?? 0) + count);
  }
  return { counts, differences: all.flatMap(({ name, differences }) => differences.map((text) => `${name}: ${text}`)) };
}

function inWords(counts: ReadonlyMap<string, number>, wrong: number): string {
  const of = (part: string): number => counts.get(part) ?? 0;
  const quantities = ["weights", "cache", "output", "work", "compute"];
  const exact = quantities.reduce((sum, part) => sum + of(part), 0);
  const parts = quantities.filter((part) => of(part) > 0).map((part) => `${part} ${of(part)}`);
  return `${exact}/${exact + wrong} exact (${parts.join(", ")}), ${of("computeInBounds")} compute and ${of("workInBounds")} work buffers in bounds, ${of("refusals")} refused alike`;
}

/** Asks again about whole models, variants, ways to load and models of published size. */
export function checkDeviceNumbers(): Promise<PartResult> {
  return askPart(
    "llama.cpp gives the golden numbers of whole models, variants, loading and devices",
    prepareSavedModels,
    askOnDevices,
  );
}

async function askOnDevices(): Promise<Asked> {
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
  const note = shapes ? "" : "; skipped published sizes (their generator is in WEIGHIN_SHARED, which is not there)";
  return { summary: `${golden.length} models${note}`, differences: changedRows(golden, now) };
}
