import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { askCase } from "./architectures/ask.ts";
import { ARCHITECTURE_CASES } from "./architectures/cases.ts";
import type { ArchitectureKeys } from "./architectures/keys.ts";
import { askSavedModels, commonKeys } from "./architectures/saved.ts";
import { askEngine, engineVersion, missingTool, prepareSavedModels, SAVED_MODELS } from "./engine.ts";
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

/** What writes each golden file, in an order in which none is read before it is written. */
const FILES: Readonly<Record<string, () => void | Promise<void>>> = {
  architectures: () => writeKeyed("architectures", ARCHITECTURE_CASES.map(askCase)),
  "saved-models": async () => {
    const saved = await askSavedModels(SAVED_MODELS);
    writeKeyed("saved-models", saved, commonKeys(saved));
  },
  "whole-models": async () => writeRows("whole-models", await askWholeModels()),
  variants: () => writeRows("variants", askVariants()),
  graphs: () => {
    mkdirSync(dirname(wholeGraphPath("")), { recursive: true });
    writeRows("graphs", askGraphs());
  },
  fixtures: () => write("fixtures", fixtureModels()),
  loading: () => writeRows("loading", fixtureModels().map(askLoading)),
  "published-shapes": () => ofPublishedShapes((shapes) => write("published-shapes", shapes)),
  "published-placements": () => ofPublishedShapes((shapes) => writeRows("published-placements", shapes.map(askPlaced))),
};

/** Writes the golden files anew from what llama.cpp answers: all of them, or those named. */
const named = process.argv.slice(2);
const unknown = named.filter((name) => !(name in FILES));
if (unknown.length > 0)
  throw new Error(`no golden files ${unknown.join(", ")}; there are: ${Object.keys(FILES).join(", ")}`);
const missing = missingTool();
if (missing !== undefined) throw new Error(`cannot build llama.cpp here: ${missing}`);
prepareSavedModels();
for (const [name, write] of Object.entries(FILES)) if (named.length === 0 || named.includes(name)) await write();

function ofPublishedShapes(write: (shapes: readonly AskedModel[]) => void): void {
  const shapes = publishedShapes();
  if (shapes) write(shapes);
  else console.log("published shapes: left as they are, WEIGHIN_SHARED is not there");
}

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
