import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadingDifferences, readLoading } from "../../conformance/llama-cpp/loading.ts";
import { FIXTURE_FILES } from "../../conformance/paths.ts";
import { inspectModel } from "../../src/inspect.ts";

describe("weights that llama.cpp maps or reorders", () => {
  it.each(readLoading().rows.map((row) => [row.model, row] as const))("%s: equal to the byte", async (name, row) => {
    expect(loadingDifferences(await inspectModel(join(FIXTURE_FILES, name)), row)).toEqual([]);
    expect(row.weightBytes.some((bytes) => bytes !== null)).toBe(true);
  });
});
