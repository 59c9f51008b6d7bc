import { describe, expect, it } from "vitest";
import { DEFAULT_LIMITS } from "../../src/limits.ts";
import { firstReads } from "../../src/source/first-read.ts";

describe("the first request of a file", () => {
  it("asks 100 KiB of a safetensors file of which nothing is known", () => {
    expect(firstReads("safetensors", DEFAULT_LIMITS).bytes(0)).toBe(102_400);
  });

  it("asks what the largest header before took, and little more", () => {
    const reads = firstReads("safetensors", DEFAULT_LIMITS);
    reads.learn(0, 16_888);
    reads.learn(1, 74_992);
    reads.learn(2, 73_000);
    expect(reads.bytes(3)).toBeGreaterThanOrEqual(74_992);
    expect(reads.bytes(3)).toBeLessThan(74_992 * 1.02);
  });

  it("asks more than the guess where headers are longer", () => {
    const reads = firstReads("safetensors", DEFAULT_LIMITS);
    reads.learn(0, 800_000);
    expect(reads.bytes(1)).toBeGreaterThanOrEqual(800_000);
  });

  it("asks everything of the first GGUF file, which is cut off where its header ends", () => {
    const reads = firstReads("gguf", DEFAULT_LIMITS);
    expect(reads.bytes(0)).toBe(DEFAULT_LIMITS.ggufHeaderBytes);
    reads.learn(0, 7_000_000);
    expect(reads.bytes(0)).toBe(DEFAULT_LIMITS.ggufHeaderBytes);
    expect(reads.bytes(1)).toBe(16_384);
    reads.learn(1, 20_000);
    expect(reads.bytes(2)).toBeGreaterThanOrEqual(20_000);
  });
});
