import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readArchitectures, readGolden as readLlamaCpp } from "../../conformance/llama-cpp/golden.ts";
import { FIXTURE_FILES } from "../../conformance/paths.ts";
import { readGolden as readTransformers } from "../../conformance/transformers/golden.ts";
import { readModelTypes } from "../../conformance/transformers/model-types.ts";
import { inspectModel } from "../../src/inspect.ts";
import { CONFIG_RULES } from "../../src/model/architectures/registry.ts";
import { PROVEN_CACHES, PROVEN_WEIGHTS } from "../../src/runtimes/llama-cpp/proven.ts";
import { LLAMA_CPP_VERSION } from "../../src/runtimes/llama-cpp/version.ts";
import { PROVEN_MODEL_TYPES } from "../../src/runtimes/transformers/proven.ts";
import { TRANSFORMERS_VERSION } from "../../src/runtimes/transformers/version.ts";

async function architecturesOf(paths: readonly string[]): Promise<string[]> {
  const names = await Promise.all(
    paths.map(async (path) => (await inspectModel(join(FIXTURE_FILES, path))).architecture),
  );
  return [...new Set(names.map((name) => name ?? ""))].sort();
}

describe("a figure is called exact", () => {
  test("for the architectures, and the llama.cpp release, that golden numbers were asked of", async () => {
    const golden = readLlamaCpp("fixtures");
    const asked = [...new Set(golden.rows.map((row) => row.model))];
    const ofKeys = readArchitectures("architectures").rows.map((row) => row.architecture);
    const weighed = await architecturesOf(asked);
    expect(weighed).toEqual([...PROVEN_WEIGHTS].sort());
    const proven = new Set([...weighed, ...ofKeys]);
    expect([...proven].sort()).toEqual([...PROVEN_CACHES].sort());
    expect(readArchitectures("architectures").engine).toEqual(golden.engine);
    expect(golden.engine.version).toBe(LLAMA_CPP_VERSION);
    expect(readdirSync(join(FIXTURE_FILES, "gguf")).length).toBeGreaterThan(20);
  });

  test("for the model types, and the transformers release, that golden numbers were asked of", async () => {
    const golden = readTransformers(TRANSFORMERS_VERSION);
    const fixtures = golden.models.filter((row) => !("refused" in row)).map((row) => `safetensors/${row.model}`);
    const tiny = readModelTypes().rows.filter((row) => !("refused" in row) && CONFIG_RULES.has(row.modelType));
    const asked = [...(await architecturesOf([...new Set(fixtures)])), ...tiny.map((row) => row.modelType)];
    expect([...new Set(asked)].sort()).toEqual([...PROVEN_MODEL_TYPES].sort());
    expect(golden.versions.transformers).toBe(TRANSFORMERS_VERSION);
  });
});
