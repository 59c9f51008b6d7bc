import { describe, expect, it } from "vitest";
import { GGML_TYPES, GGML_TYPES_BY_NAME, REMOVED_GGML_TYPES } from "../../../src/formats/gguf/types.ts";

describe("the ggml types", () => {
  it("cover every number below 43 (GGML_TYPE_COUNT of llama.cpp v0.5.0) once, in use or removed", () => {
    const ids = [...GGML_TYPES.keys(), ...REMOVED_GGML_TYPES.keys()].sort((a, b) => a - b);
    expect(ids).toEqual(Array.from({ length: 43 }, (_, id) => id));
  });

  it("are found by name too", () => {
    expect(GGML_TYPES_BY_NAME.size).toBe(GGML_TYPES.size);
    expect(GGML_TYPES_BY_NAME.get("Q4_K")).toEqual({ id: 12, name: "Q4_K", blockElements: 256, blockBytes: 144 });
  });

  it("take the bits per weight that the comments of ggml-common.h state", () => {
    const bits = (name: string): number => {
      const type = GGML_TYPES_BY_NAME.get(name);
      return type === undefined ? Number.NaN : (type.blockBytes * 8) / type.blockElements;
    };
    expect(["Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"].map(bits)).toEqual([2.625, 3.4375, 4.5, 5.5, 6.5625]);
    expect(["IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S"].map(bits)).toEqual([2.0625, 2.3125, 3.0625, 1.5625]);
  });
});
