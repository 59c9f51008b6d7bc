/**
 * Cache at several contexts and cache types. The file is read once; each estimate is arithmetic.
 *
 *     npx tsx examples/compare-contexts.ts <model.gguf>
 */
import { estimateMemory, inspectModel } from "weighin";

const [source = "fixtures/files/gguf/gemma3.gguf"] = process.argv.slice(2);
const model = await inspectModel(source);

for (const contextTokens of [4096, 8192, 32_768]) {
  for (const cacheType of ["f16", "q8_0"] as const) {
    const { totals } = estimateMemory(model, {
      runtime: "llama.cpp",
      contextTokens,
      cacheTypeK: cacheType,
      cacheTypeV: cacheType,
    });
    console.log(`${contextTokens} tokens, ${cacheType}: ${totals.cache ?? "not known"} bytes`);
  }
}
