import { describe, expect, it } from "vitest";
import { GGML_TYPES_BY_NAME } from "../../src/formats/gguf/types.ts";
import { isComputedByCuda } from "../../src/runtimes/llama-cpp/cuda/operations.ts";
import { lightningIndexer } from "../../src/runtimes/llama-cpp/graph/ops/sparse.ts";
import { F16, F32, inputTensor } from "../../src/runtimes/llama-cpp/graph/tensor.ts";

const CELLS = 256;
const TOKENS = 32;

/** An indexer of 64 heads over a cache of the type. */
function isIndexed(cacheType: string): boolean {
  const type = GGML_TYPES_BY_NAME.get(cacheType);
  if (type === undefined) throw new Error(`no type ${cacheType}`);
  const q = inputTensor(F32, [128, 64, TOKENS]);
  const k = inputTensor(type, [128, 1, CELLS]);
  const weights = inputTensor(F32, [64, TOKENS]);
  return isComputedByCuda(lightningIndexer(q, k, weights, inputTensor(F16, [CELLS, TOKENS])));
}

describe("llama.cpp's CUDA backend", () => {
  it("computes an indexer over the types of a cache that its kernel reads, which IQ4_NL is none of", () => {
    const types = ["F32", "F16", "BF16", "Q8_0", "Q5_1", "Q5_0", "Q4_1", "Q4_0", "IQ4_NL"];
    expect(types.filter((type) => !isIndexed(type))).toEqual(["IQ4_NL"]);
  });
});
