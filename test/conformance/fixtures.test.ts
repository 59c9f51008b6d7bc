import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FIXTURE_FILES } from "../../conformance/paths.ts";
import { fixtureExpectations, fixtureFiles } from "../../fixtures/fixtures.ts";
import { inspectModel } from "../../src/inspect.ts";

describe("the fixtures", () => {
  it("are what their generator writes, byte for byte", () => {
    const made = fixtureFiles();
    const committed = readdirSync(FIXTURE_FILES, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    expect(made.map(({ path }) => join(FIXTURE_FILES, path)).sort()).toEqual(committed.sort());
    for (const { path, bytes } of made) {
      expect(Buffer.compare(readFileSync(join(FIXTURE_FILES, path)), bytes), path).toBe(0);
    }
  });

  it.each(fixtureExpectations)("$path is read as it was written", async (expected) => {
    const model = await inspectModel(join(FIXTURE_FILES, expected.path));
    expect({
      format: model.format,
      layers: model.layerCount,
      mtpLayers: model.mtpLayerCount,
      hidden: model.hiddenSize,
      vocabulary: model.vocabularySize,
      tensors: model.tensors.length,
      parameters: model.parameters.total,
      weightBytes: model.weights.bytes,
    }).toEqual({
      format: expected.format,
      layers: expected.layers,
      mtpLayers: expected.mtpLayers,
      hidden: expected.hidden,
      vocabulary: expected.vocabulary,
      tensors: expected.tensors,
      parameters: expected.parameters,
      weightBytes: expected.weightBytes,
    });
    if (expected.kvHeads !== null) expect(model.kvHeads).toEqual(expected.kvHeads);
  });
});
