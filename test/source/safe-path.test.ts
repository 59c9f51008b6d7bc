import { describe, expect, it } from "vitest";
import { DEFAULT_LIMITS, type Limits } from "../../src/limits.ts";
import { encodePath, requireSafePath } from "../../src/source/safe-path.ts";
import { indexedFiles, parseWeightMap } from "../../src/source/weight-map.ts";

const weightMapFiles = (text: string, label: string, limits: Limits) =>
  indexedFiles(parseWeightMap(text, limits, label), label);

const ESCAPES = [
  "../x",
  "../../other/private/resolve/main/model.safetensors",
  "%2e%2e/x",
  ".%2E/x",
  "%252e%252e/x",
  "..\\x",
  "\t../x",
  "/abs",
  "//host/x",
  "https://host/x",
  "C:x",
  "a?x",
  "a#x",
  "",
  ".",
  "a/./b",
  "a//b",
  "a/",
  "a\u0000b",
  "a\u009bb",
  "%2525252e%2525252e/x",
  "%ff%2e%2e/x",
];

describe("paths named by an index", () => {
  it.each(ESCAPES)("refuses %j", (path) => {
    expect(() => requireSafePath(path, "index")).toThrowError(expect.objectContaining({ code: "unsafe-path" }));
    const text = JSON.stringify({ weight_map: { "w.weight": path } });
    expect(() => weightMapFiles(text, "index", DEFAULT_LIMITS)).toThrowError(
      expect.objectContaining({ code: "unsafe-path" }),
    );
  });

  it.each([
    "model.safetensors",
    "sub/model-00001-of-00002.safetensors",
    "a b.safetensors",
    "é.safetensors",
    "100%.safetensors",
  ])("accepts %j", (path) => {
    expect(requireSafePath(path, "index")).toBe(path);
  });

  it("encodes every segment of a path by itself", () => {
    expect(encodePath("a b/c#d?/é")).toBe("a%20b/c%23d%3F/%C3%A9");
  });
});

describe("a weight map", () => {
  it("gives distinct files in name order, whatever the tensors are called", () => {
    const text =
      '{"metadata":{"total_size":0},"weight_map":{"__proto__":"b.safetensors","x":"a.safetensors","y":"b.safetensors"}}';
    expect(weightMapFiles(text, "index", DEFAULT_LIMITS)).toEqual(["a.safetensors", "b.safetensors"]);
  });

  it.each([
    ["[]", "invalid-metadata"],
    ['{"weight_map":{"a":1}}', "invalid-metadata"],
    ['{"weight_map":{"a":"x.safetensors"}\n=======\n', "invalid-json"],
    ['{"weight_map":{}}', "index-mismatch"],
    ["{}", "invalid-metadata"],
    ['{"weight_map":{"a":"pytorch_model.bin"}}', "no-model"],
    [`{"metadata":${"[".repeat(10_000)}`, "limit-exceeded"],
  ])("refuses %.60s", (text, code) => {
    expect(() => weightMapFiles(text, "index", DEFAULT_LIMITS)).toThrowError(expect.objectContaining({ code }));
  });

  it("stops at the limit of shards", () => {
    const map = Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`t${i}`, `${i}.safetensors`]));
    const limits = { ...DEFAULT_LIMITS, shards: 10 };
    expect(() => weightMapFiles(JSON.stringify({ weight_map: map }), "index", limits)).toThrowError(
      /more than 10 files/,
    );
  });
});
