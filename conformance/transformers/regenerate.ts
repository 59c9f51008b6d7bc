import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { askEngine, missingEngine, VERSIONS } from "./engine.ts";
import { goldenPath, goldenText } from "./golden.ts";

/** Writes the golden files anew from what transformers answers. */
for (const version of VERSIONS) {
  const missing = missingEngine(version);
  if (missing !== undefined) {
    console.log(`${version}: left as it is, ${missing}`);
    continue;
  }
  const golden = askEngine(version);
  const caches = golden.models.flatMap((model) => ("caches" in model ? model.caches : []));
  mkdirSync(dirname(goldenPath(version)), { recursive: true });
  writeFileSync(goldenPath(version), goldenText(golden));
  console.log(`${version}: ${golden.models.length} models, ${caches.length} caches`);
}
