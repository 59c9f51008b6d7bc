import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { askEngine, engineVersion, missingTool, prepareEngine } from "./engine.ts";
import { type Golden, type GoldenName, goldenPath, goldenText } from "./golden.ts";
import { type AskedModel, fixtureModels, publishedShapes } from "./models.ts";
import { WORKLOADS } from "./workloads.ts";

/** Writes the golden files anew from what llama.cpp answers. */
const missing = missingTool();
if (missing !== undefined) throw new Error(`cannot build llama.cpp here: ${missing}`);
prepareEngine();
write("fixtures", fixtureModels());
const shapes = publishedShapes();
if (shapes) write("published-shapes", shapes);
else console.log("published-shapes: left as it is, WEIGHIN_SHARED is not there");

function write(name: GoldenName, models: readonly AskedModel[]): void {
  const golden: Golden = {
    engine: { name: "llama.cpp", ...engineVersion() },
    command: "npx tsx conformance/llama-cpp/regenerate.ts",
    rows: models.flatMap((model) =>
      WORKLOADS.map((workload) => ({ model: model.name, workload, ...askEngine(model.path, workload) })),
    ),
  };
  const path = goldenPath(name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, goldenText(golden));
  console.log(`${name}: ${golden.rows.length} rows`);
}
