import { describe, expect, it } from "vitest";
import type { GgufMetadata } from "../../src/formats/gguf/value.ts";
import { buildGguf, buildSafetensors, hfTensors, SMALL, SMALL_CONFIG } from "./support.ts";

describe("metadata is plain JSON data", () => {
  it("keeps every key of a config.json, whatever its name", () => {
    const { model } = buildSafetensors(
      '{"__proto__": {"polluted": true}, "constructor": 1, "nested": {"__proto__": 2}}',
    );
    expect(Object.keys(model.metadata)).toEqual(["__proto__", "constructor", "nested"]);
    expect(Object.getOwnPropertyDescriptor(model.metadata, "__proto__")?.value).toEqual({ polluted: true });
    expect(Object.getPrototypeOf(model.metadata)).toBe(Object.prototype);
    expect(JSON.stringify(model.metadata)).toBe(
      '{"__proto__":{"polluted":true},"constructor":1,"nested":{"__proto__":2}}',
    );
    expect("polluted" in {}).toBe(false);
  });

  it("writes what JSON cannot carry as text", () => {
    const { model } = buildSafetensors(
      '{"a": NaN, "b": -Infinity, "c": 18446744073709551615, "d": -0.0, "e": 1e300, "f": 0.5}',
    );
    expect(model.metadata).toEqual({ a: "NaN", b: "-Infinity", c: "18446744073709551615", d: 0, e: "1e+300", f: 0.5 });
  });

  it("names long arrays with their length", () => {
    const long = Array.from({ length: 1_025 }, () => "x");
    const { model } = buildSafetensors({ kept: long.slice(1), long, numbers: [1, [2]] });
    expect(model.metadata["kept"]).toHaveLength(1_024);
    expect(model.metadata["long"]).toEqual({ array: "string", length: 1_025 });
    expect(model.metadata["numbers"]).toEqual([1, [2]]);
  });

  it("gives GGUF keys the same way, and the vocabulary its length", () => {
    const metadata: GgufMetadata = new Map([
      ["general.architecture", { type: "string", value: "llama" }],
      ["llama.vocab_size", { type: "u32", value: 5 }],
      ["seed", { type: "u64", value: 2n ** 64n - 1n }],
      ["eps", { type: "f32", value: Number.NaN }],
      ["flags", { type: "array", elementType: "bool", values: [true, false] }],
      [
        "tokenizer.ggml.tokens",
        {
          type: "array",
          elementType: "string",
          reference: { elementType: "string", length: 128_256, offset: 0, bytes: 0 },
        },
      ],
    ]);
    const { model } = buildGguf(metadata);
    expect(model.metadata).toEqual({
      "general.architecture": "llama",
      "llama.vocab_size": 5,
      seed: "18446744073709551615",
      eps: "NaN",
      flags: [true, false],
      "tokenizer.ggml.tokens": { array: "string", length: 128_256 },
    });
    expect(model.vocabularySize).toBe(128_256);
  });
});

it("is frozen all the way down and survives a round trip through JSON", () => {
  const { model } = buildSafetensors({ ...SMALL_CONFIG, rope_scaling: { factor: 8 } }, hfTensors(SMALL));
  expect(JSON.parse(JSON.stringify(model))).toStrictEqual(model);
  const frozen = (value: unknown): boolean =>
    typeof value !== "object" || value === null || (Object.isFrozen(value) && Object.values(value).every(frozen));
  expect(frozen(model)).toBe(true);
});
