import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { askCase } from "./architectures/ask.ts";
import { ARCHITECTURE_CASES } from "./architectures/cases.ts";
import type { ArchitectureKeys } from "./architectures/keys.ts";
import { askSavedModels, commonKeys } from "./architectures/saved.ts";
import { askEngine, engineVersion, missingTool, prepareEngine, SAVED_MODELS, saveTestModels } from "./engine.ts";
import {
  type ArchitectureRow,
  architecturesText,
  type DeviceGoldenName,
  type Golden,
  type GoldenName,
  goldenPath,
  goldenText,
  type KeyGoldenName,
} from "./golden.ts";
import { askGraphs } from "./graphs/ask.ts";
import { wholeGraphPath } from "./graphs/golden.ts";
import { askLoading } from "./loading.ts";
import { type AskedModel, fixtureModels, publishedShapes } from "./models.ts";
import { askPlaced } from "./placed.ts";
import { askVariants } from "./variants/ask.ts";
import { askWholeModels } from "./whole-models/ask.ts";
import { WORKLOADS } from "./workloads.ts";

/** Writes the golden files anew from what llama.cpp answers. */
const missing = missingTool();
if (missing !== undefined) throw new Error(`cannot build llama.cpp here: ${missing}`);
prepareEngine();
writeKeyed("architectures", ARCHITECTURE_CASES.map(askCase));
saveTestModels(SAVED_MODELS);
const saved = await askSavedModels(SAVED_MODELS);
writeKeyed("saved-models", saved, commonKeys(saved));
writeRows("whole-models", await askWholeModels());
writeRows("variants", askVariants());
mkdirSync(dirname(wholeGraphPath("")), { recursive: true });
writeRows("graphs", askGraphs());
write("fixtures", fixtureModels());
writeRows("loading", fixtureModels().map(askLoading));
const shapes = publishedShapes();
if (shapes) {
  write("published-shapes", shapes);
  writeRows("published-placements", shapes.map(askPlaced));
} else console.log("published-shapes: left as it is, WEIGHIN_SHARED is not there");

function writeKeyed(name: KeyGoldenName, rows: readonly ArchitectureRow[], common?: ArchitectureKeys): void {
  save(name, architecturesText({ ...head(), rows }, common), rows.length);
}

function write(name: GoldenName, models: readonly AskedModel[]): void {
  const rows = models.flatMap((model) =>
    WORKLOADS.map((workload) => ({ model: model.name, workload, ...askEngine(model.path, workload) })),
  );
  writeRows(name, rows);
}

function writeRows(name: GoldenName | DeviceGoldenName | "graphs", rows: readonly object[]): void {
  save(name, goldenText({ ...head(), rows }), rows.length);
}

function head(): Pick<Golden, "engine" | "command"> {
  return {
    engine: { name: "llama.cpp", ...engineVersion() },
    command: "npx tsx conformance/llama-cpp/regenerate.ts",
  };
}

function save(name: Parameters<typeof goldenPath>[0], text: string, rowCount: number): void {
  const path = goldenPath(name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  console.log(`${name}: ${rowCount} rows`);
}
