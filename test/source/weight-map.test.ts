import { describe, expect, it } from "vitest";
import { DEFAULT_LIMITS, type Limits } from "../../src/limits.ts";
import { parseWeightMap } from "../../src/source/weight-map.ts";

const LABEL = "model.safetensors.index.json";
const parse = (text: string, limits: Partial<Limits> = {}) =>
  parseWeightMap(text, { ...DEFAULT_LIMITS, ...limits }, LABEL);
const mapTo = (file: string): string => JSON.stringify({ weight_map: { t: file } });

describe("parseWeightMap", () => {
  it("lists the files as first seen, the file of each tensor and the claimed total", () => {
    const text = JSON.stringify({
      metadata: { total_size: 123, total_parameters: 61 },
      weight_map: { a: "model-2.safetensors", b: "model-1.safetensors", c: "model-2.safetensors" },
    });
    expect(parse(text)).toEqual({
      files: ["model-2.safetensors", "model-1.safetensors"],
      weightMap: new Map([
        ["a", "model-2.safetensors"],
        ["b", "model-1.safetensors"],
        ["c", "model-2.safetensors"],
      ]),
      totalSize: 123,
    });
  });

  it.each([
    ["is 0", '{"metadata":{"total_size":0},"weight_map":{}}', 0],
    ["is written as a float", '{"metadata":{"total_size":14483464192.0},"weight_map":{}}', 14_483_464_192],
    ["is absent", '{"metadata":{},"weight_map":{}}', undefined],
    ["has no metadata around it", '{"weight_map":{}}', undefined],
    ["is in a metadata of null", '{"metadata":null,"weight_map":{}}', undefined],
    ["is text", '{"metadata":{"total_size":"1 GB"},"weight_map":{}}', undefined],
    ["is negative", '{"metadata":{"total_size":-1},"weight_map":{}}', undefined],
    ["is NaN", '{"metadata":{"total_size":NaN},"weight_map":{}}', undefined],
  ])("tolerates a total_size that %s", (_, text, totalSize) => {
    expect(parse(text).totalSize).toBe(totalSize);
  });

  it("takes names like __proto__ as names", () => {
    const { weightMap } = parse('{"__proto__":{"x":1},"weight_map":{"__proto__":"a.safetensors"}}');
    expect([...weightMap]).toEqual([["__proto__", "a.safetensors"]]);
  });

  it("lets the last of two equal keys win, as the Python loaders do", () => {
    const { weightMap } = parse('{"weight_map":{"t":"a.safetensors","t":"b.safetensors"}}');
    expect([...weightMap]).toEqual([["t", "b.safetensors"]]);
  });

  it.each([
    "../../other/private/resolve/main/model.safetensors",
    "%2e%2e/x.safetensors",
    ".%2E/x.safetensors",
    "%252e%252e/x.safetensors",
    "..\\x.safetensors",
    "\t../x.safetensors",
    "/x.safetensors",
    "//host/x.safetensors",
    "https:x.safetensors",
    "C:x.safetensors",
    "a?x.safetensors",
    "a#x.safetensors",
    "",
    "a/./x.safetensors",
    "a//x.safetensors",
    "a\u0000.safetensors",
    "a\u001b[2J.safetensors",
  ])("refuses the path %j (X-08, X-09)", (path) => {
    expect(() => parse(mapTo(path))).toThrow(expect.objectContaining({ name: "InspectError", code: "unsafe-path" }));
  });

  it.each([
    "model-00001-of-00002.safetensors",
    "sub folder/modèle.safetensors",
    "a..b.safetensors",
    "100%.safetensors",
  ])("takes the path %j", (path) => {
    expect(parse(mapTo(path)).files).toEqual([path]);
  });

  it("says that a Git merge conflict is one", () => {
    const side = JSON.stringify({ weight_map: { t: "a.safetensors" } }, undefined, 1);
    for (const text of [`<<<<<<< HEAD\n${side}\n=======\n${side}\n>>>>>>> b`, `${side}\n=======\n${side}\n`]) {
      expect(() => parse(text)).toThrow(
        expect.objectContaining({ code: "invalid-json", message: expect.stringContaining("Git merge conflict") }),
      );
    }
  });

  it.each([
    ["the root is an array", "[]", "invalid-metadata"],
    ["there is no weight_map", '{"metadata":{}}', "invalid-metadata"],
    ["the weight_map is an array", '{"weight_map":[]}', "invalid-metadata"],
    ["a file is no text", '{"weight_map":{"t":1}}', "invalid-metadata"],
    ["it is cut short", '{"weight_map":{"t":"a', "invalid-json"],
    ["it is empty", "", "invalid-json"],
    ["it nests 10,000 deep", `{"x":${"[".repeat(10_000)}`, "limit-exceeded"],
  ])("rejects an index when %s (X-12)", (_, text, code) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ name: "InspectError", code }));
  });

  it("keeps to limits.shards and limits.tensors (X-12)", () => {
    const many = JSON.stringify({ weight_map: { a: "1", b: "2", c: "3" } });
    expect(() => parse(many, { shards: 2 })).toThrow(expect.objectContaining({ code: "limit-exceeded" }));
    expect(() => parse(many, { tensors: 2 })).toThrow(expect.objectContaining({ code: "limit-exceeded" }));
  });

  it("reads 497,000 entries (X-11)", () => {
    const entries = Array.from(
      { length: 497_000 },
      (_, i) => `"model.layers.${i}.weight":"model-${i % 100}.safetensors"`,
    );
    const { files, weightMap } = parse(`{"weight_map":{${entries.join(",")}}}`);
    expect([files.length, weightMap.size]).toEqual([100, 497_000]);
  });
});
