import { describe, expect, it } from "vitest";
import { mergeSafetensorsShards, type NamedSafetensors } from "../../../src/formats/safetensors/merge-shards.ts";
import { readSafetensors } from "../../../src/formats/safetensors/read.ts";
import type { WeightMap } from "../../../src/source/weight-map.ts";
import { memorySource, readingOptions } from "../memory-source.ts";
import { writeSafetensors } from "../write-safetensors.ts";

/** Tensors of 4 bytes each. */
async function shard(name: string, tensors: readonly string[], metadata = {}): Promise<NamedSafetensors> {
  const entries = tensors.map((tensor, i) => [tensor, { dtype: "F32", shape: [1], data_offsets: [i * 4, i * 4 + 4] }]);
  const header = JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(entries) });
  const bytes = writeSafetensors({ header, dataBytes: tensors.length * 4 });
  return { name, safetensors: await readSafetensors(memorySource(bytes), readingOptions()) };
}

const index = (entries: Record<string, string>, totalSize?: number): WeightMap => ({
  files: [...new Set(Object.values(entries))],
  weightMap: new Map(Object.entries(entries)),
  ...(totalSize !== undefined && { totalSize }),
});

const TWO = async (): Promise<NamedSafetensors[]> => [
  await shard("1.safetensors", ["a", "b"], { format: "pt", of: "1" }),
  await shard("2.safetensors", ["c"], { of: "2", more: "x" }),
];

async function diagnosticsOf(files: readonly NamedSafetensors[], weights: WeightMap | undefined) {
  const { report, diagnostics } = readingOptions();
  const merged = mergeSafetensorsShards(files, weights, report);
  return { merged, diagnostics };
}

describe("mergeSafetensorsShards", () => {
  it("makes one table of the tensors of all files", async () => {
    const { merged, diagnostics } = await diagnosticsOf(await TWO(), undefined);
    expect(merged.tensors.map(({ name, file }) => [name, file])).toEqual([
      ["a", 0],
      ["b", 0],
      ["c", 1],
    ]);
    expect(Object.fromEntries(merged.metadata)).toEqual({ format: "pt", of: "1", more: "x" });
    expect(diagnostics).toEqual([]);
  });

  it("says nothing of an index that agrees, also when the files lie in a folder", async () => {
    const weights = index({ a: "1.safetensors", b: "1.safetensors", c: "2.safetensors" }, 12);
    const inFolder = (await TWO()).map((file) => ({ ...file, name: `text_encoder/${file.name}` }));
    expect((await diagnosticsOf(await TWO(), weights)).diagnostics).toEqual([]);
    expect((await diagnosticsOf(inFolder, weights)).diagnostics).toEqual([]);
  });

  it("rejects a tensor that two files hold, naming both", async () => {
    const files = [await shard("1.safetensors", ["a"]), await shard("2.safetensors", ["a"])];
    await expect(diagnosticsOf(files, undefined)).rejects.toMatchObject({
      code: "duplicate-tensor",
      message: expect.stringMatching(/2\.safetensors.*"a".*1\.safetensors/),
    });
  });

  it.each([
    [
      "a tensor mapped to a file that does not hold it",
      index({ a: "2.safetensors", b: "1.safetensors", c: "2.safetensors" }),
      '1 of 3 tensors in the index are in another file than it says, the first is "a"',
    ],
    [
      "a tensor that no file holds",
      index({ a: "1.safetensors", b: "1.safetensors", c: "2.safetensors", d: "2.safetensors" }),
      '1 of 4 tensors in the index are in no file, the first is "d"',
    ],
    [
      "tensors that are not in the index",
      index({ c: "2.safetensors" }),
      '2 of 3 tensors in the files are not in the index, the first is "a"',
    ],
    [
      "a wrong total_size",
      index({ a: "1.safetensors", b: "1.safetensors", c: "2.safetensors" }, 0),
      "claims 0 bytes of tensors; the files hold 12",
    ],
  ])("reports %s, and lets the files win (X-10)", async (_, weights, says) => {
    const { merged, diagnostics } = await diagnosticsOf(await TWO(), weights);
    expect(diagnostics).toEqual([
      { code: "index-mismatch", message: expect.stringContaining(says), where: expect.any(String) },
    ]);
    expect(merged.tensors).toHaveLength(3);
  });
});
