import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import * as browser from "../src/browser.ts";
import * as weighin from "../src/index.ts";

describe("the public API", () => {
  test("is these values", () => {
    expect(Object.keys(weighin).sort()).toMatchInlineSnapshot(`
      [
        "DEFAULT_LIMITS",
        "InspectError",
        "estimateMemory",
        "fitDevices",
        "inspectAll",
        "inspectModel",
        "inspectModels",
        "isInspectError",
        "largestContext",
        "loadComputeGraphs",
        "readMetadataArray",
        "runtimesFor",
      ]
    `);
  });

  test("is these types", () => {
    const text = readFileSync(join(import.meta.dirname, "..", "src", "public.ts"), "utf8");
    const names = [...text.matchAll(/export (type )?\{([^}]*)\}/g)].flatMap(([, all, list = ""]) =>
      list
        .split(",")
        .map((name) => name.trim())
        .filter((name) => all !== undefined || name.startsWith("type "))
        .map((name) => name.replace("type ", "")),
    );
    expect(names.filter((name) => name !== "").sort()).toMatchInlineSnapshot(`
      [
        "ByteSource",
        "Capacity",
        "Certainty",
        "Component",
        "Device",
        "DeviceFit",
        "Diagnostic",
        "FeedForward",
        "HeaderCache",
        "InspectCode",
        "InspectOptions",
        "InspectOutcome",
        "InspectWhere",
        "Limits",
        "LlamaCppWorkload",
        "MemoryEstimate",
        "MemoryItem",
        "MemoryTotals",
        "Mixer",
        "MlxWorkload",
        "Model",
        "ModelCompanion",
        "ModelFile",
        "ModelInput",
        "ModelLayer",
        "ModelTensor",
        "Progress",
        "RuntimeName",
        "TensorOverride",
        "TensorrtLlmWorkload",
        "TrainingWorkload",
        "TransformersWorkload",
        "VllmWorkload",
        "Workload",
      ]
    `);
  });

  test("is the same in a browser", () => {
    expect(Object.keys(browser).sort()).toEqual(Object.keys(weighin).sort());
  });
});
