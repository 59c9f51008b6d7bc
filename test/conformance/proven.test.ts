import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readArchitectures, readGolden as readLlamaCpp } from "../../conformance/llama-cpp/golden.ts";
import { FIXTURE_FILES, ROOT } from "../../conformance/paths.ts";
import { LLAMA_CPP_PROVEN, MLX_PROVEN, TRANSFORMERS_PROVEN } from "../../conformance/proven-lists.ts";
import { readGolden as readTransformers } from "../../conformance/transformers/golden.ts";
import { LLAMA_CPP_VERSION } from "../../src/runtimes/llama-cpp/version.ts";
import { TRANSFORMERS_VERSION } from "../../src/runtimes/transformers/version.ts";

describe("a figure is called exact", () => {
  test.each([LLAMA_CPP_PROVEN, TRANSFORMERS_PROVEN, MLX_PROVEN])(
    "only for what golden numbers were asked of (npm run generate writes $path)",
    async ({ path, text }) => {
      expect(readFileSync(join(ROOT, path), "utf8")).toBe(await text());
    },
  );

  test("in the releases that golden numbers were asked of", () => {
    const { engine } = readLlamaCpp("fixtures");
    expect(readArchitectures("architectures").engine).toEqual(engine);
    expect(engine.version).toBe(LLAMA_CPP_VERSION);
    expect(readTransformers(TRANSFORMERS_VERSION).versions.transformers).toBe(TRANSFORMERS_VERSION);
    expect(readdirSync(join(FIXTURE_FILES, "gguf")).length).toBeGreaterThan(20);
  });
});
