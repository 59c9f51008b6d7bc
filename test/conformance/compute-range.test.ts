import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readGolden } from "../../conformance/llama-cpp/golden.ts";
import { FIXTURE_FILES } from "../../conformance/paths.ts";
import { inspectModel } from "../../src/inspect.ts";
import { estimateMemory } from "../../src/runtimes/estimate-memory.ts";

const rows = readGolden("fixtures").rows.flatMap((row) => ("computeBytes" in row ? [row] : []));

describe("the bounds of llama.cpp's compute buffer", () => {
  it("were asked of the engine many times", () => {
    expect(rows.length).toBeGreaterThan(250);
  });

  it.each([...new Set(rows.map((row) => row.model))])("hold what the engine reserves for %s", async (name) => {
    const model = await inspectModel(join(FIXTURE_FILES, name));
    for (const { model: of, workload, computeBytes } of rows) {
      if (of !== name) continue;
      const compute = estimateMemory(model, { runtime: "llama.cpp", ...workload }).items.filter(
        ({ component }) => component === "compute",
      );
      const low = compute.reduce((sum, item) => sum + (item.low ?? item.bytes), 0);
      const high = compute.reduce((sum, item) => sum + (item.high ?? item.bytes), 0);
      expect(computeBytes).toBeGreaterThanOrEqual(low);
      expect(computeBytes).toBeLessThanOrEqual(high);
    }
  });
});
