import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { askEngine, missingEngine } from "./engine.ts";
import { GOLDEN_PATH, goldenText } from "./golden.ts";

/** Writes the golden numbers anew from what vLLM answers. */
const missing = missingEngine();
if (missing !== undefined) throw new Error(missing);
const golden = askEngine();
mkdirSync(dirname(GOLDEN_PATH), { recursive: true });
writeFileSync(GOLDEN_PATH, goldenText(golden));
const answered = golden.modelTypes.filter((row) => !("failed" in row)).length;
console.log(`${golden.cases.length} cases; ${answered} of ${golden.modelTypes.length} tiny models`);
