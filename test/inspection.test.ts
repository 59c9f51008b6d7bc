import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inspectModel, isInspectError, type Model, readMetadataArray } from "../src/index.ts";
import { writeGguf } from "./formats/write-gguf.ts";
import { DEFAULT_COMMIT, type MockFile, type MockHub, startMockHub } from "./hub/mock-hub.ts";

const FILES = join(import.meta.dirname, "..", "fixtures", "files");
const LLAMA: Uint8Array<ArrayBuffer> = readFileSync(join(FILES, "gguf", "llama-3.gguf"));
const fixture = (path: string): Uint8Array => readFileSync(join(FILES, path));

const LAYERS = 32;
const WIDTH = 4096;
const SHARDS = 10;

/** A header as large as that of a real 8B model: 128,256 tokens, 280,147 merges, 291 tensors. */
function largeHeader(): { readonly header: Uint8Array; readonly size: number } {
  const text = (count: number) => Array.from({ length: count }, (_, index) => `token ${index.toString(36)}`);
  const number = (key: string, value: number) => ({ key: `llama.${key}`, type: "u32", value }) as const;
  const shapes: [string, number, number][] = [["token_embd.weight", WIDTH, 128_256]];
  for (let layer = 0; layer < LAYERS; layer++) {
    for (const [name, rows] of [
      ["attn_q", WIDTH],
      ["attn_k", 1024],
      ["attn_v", 1024],
      ["attn_output", WIDTH],
      ["ffn_gate", 14_336],
      ["ffn_up", 14_336],
    ] as const) {
      shapes.push([`blk.${layer}.${name}.weight`, WIDTH, rows]);
    }
    shapes.push([`blk.${layer}.ffn_down.weight`, 14_336, WIDTH]);
  }
  let offset = 0;
  const tensors = shapes.map(([name, columns, rows]) => {
    const tensor = { name, shape: [columns, rows], type: 1, offset };
    offset += columns * rows * 2;
    return tensor;
  });
  const header = writeGguf({
    keys: [
      { key: "general.architecture", type: "string", value: "llama" },
      number("block_count", LAYERS),
      number("embedding_length", WIDTH),
      number("feed_forward_length", 14_336),
      number("attention.head_count", 32),
      number("attention.head_count_kv", 8),
      number("context_length", 131_072),
      { key: "tokenizer.ggml.tokens", type: "array", elementType: "string", values: text(128_256) },
      { key: "tokenizer.ggml.merges", type: "array", elementType: "string", values: text(280_147) },
    ],
    tensors,
  });
  return { header, size: header.length + offset };
}

/** Ten files: the first with every key, the others with seven-kilobyte tables, as gguf-split writes them. */
function splitHeaders(): Record<string, MockFile> {
  const files: Record<string, MockFile> = {};
  for (let shard = 0; shard < SHARDS; shard++) {
    const tensors = Array.from({ length: 100 }, (_, index) => ({
      name: `blk.${shard}.some_tensor_with_a_long_name_${index}.weight`,
      shape: [32],
      offset: index * 128,
    }));
    const split = [
      { key: "split.no", type: "u16", value: shard },
      { key: "split.count", type: "u16", value: SHARDS },
      { key: "split.tensors.count", type: "i32", value: SHARDS * tensors.length },
    ] as const;
    const tokens = Array.from({ length: 200_000 }, (_, index) => `token ${index}`);
    const first = [
      { key: "general.architecture", type: "string", value: "no-such-architecture" },
      { key: "tokenizer.ggml.tokens", type: "array", elementType: "string", values: tokens },
    ] as const;
    const header = writeGguf({ keys: shard === 0 ? [...first, ...split] : split, tensors });
    const name = `big-${String(shard + 1).padStart(5, "0")}-of-000${SHARDS}.gguf`;
    files[name] = { header, size: header.length + tensors.length * 128 };
  }
  return files;
}

let hub: MockHub;
const large = largeHeader();
const splits = splitHeaders();

beforeAll(async () => {
  hub = await startMockHub({
    repos: {
      "org/large": { files: { "model-f16.gguf": large } },
      "org/split": { files: splits },
      "org/llama": { files: { "model.gguf": LLAMA } },
      "org/sharded": {
        files: Object.fromEntries(
          [
            "config.json",
            "model.safetensors.index.json",
            "model-00001-of-00003.safetensors",
            "model-00002-of-00003.safetensors",
            "model-00003-of-00003.safetensors",
          ].map((name) => [name, fixture(`safetensors/llama-3-sharded/${name}`)]),
        ),
      },
    },
    bytesPerSecond: 50_000_000,
  });
});
afterAll(() => hub.close());

const remote = (id: string) => inspectModel(id, { endpoint: hub.url });

/** What is the same however the model was reached. */
const shapeOf = ({ source: _, ...shape }: Model) => shape;

describe("a model read over the wire", () => {
  test("costs one request for a lone GGUF by its URL, and 1.05 times its header at most", async () => {
    hub.reset();
    const model = await inspectModel(`${hub.url}/org/large/resolve/main/model-f16.gguf`, { endpoint: hub.url });
    expect(model.layerCount).toBe(LAYERS);
    const weights = hub.stats.list.filter(({ path }) => path.includes(".gguf"));
    expect(weights.map(({ origin, range }) => [origin, range !== undefined])).toEqual([
      ["hub", true],
      ["cdn", true],
    ]);
    const listing = model.source.requests - 1;
    expect(listing).toBeLessThanOrEqual(1);
    expect(model.source.files[0]?.headerBytes).toBe(large.header.length);
    expect(large.header.length).toBeGreaterThan(5_000_000);
    expect(model.source.bytesRead).toBeLessThanOrEqual(1.05 * large.header.length);
  });

  test("costs one request for each of ten splits, and 1.05 times their headers at most", async () => {
    const model = await remote("org/split");
    const headerBytes = model.source.files.reduce((sum, file) => sum + file.headerBytes, 0);
    const perFile = new Map<string, number>();
    for (const { origin, path } of hub.stats.list) {
      const name = /big-\d+/.exec(path)?.[0];
      if (origin === "cdn" && name !== undefined) perFile.set(name, (perFile.get(name) ?? 0) + 1);
    }
    expect([...perFile.values()]).toEqual(Array.from({ length: SHARDS }, () => 1));
    expect(model.source.bytesRead).toBeLessThanOrEqual(1.05 * headerBytes);
  });

  test("is the same model as the local one, at a commit", async () => {
    const local = await inspectModel(join(FILES, "gguf", "llama-3.gguf"));
    const model = await remote("org/llama");
    expect(shapeOf(model)).toEqual(shapeOf(local));
    expect(model.source).toMatchObject({ kind: "hub", id: "org/llama", commit: DEFAULT_COMMIT });
  });

  test("is the same from any form of its address", async () => {
    const expected = shapeOf(await remote("org/llama"));
    for (const form of [
      "org/llama@main",
      "hf://org/llama",
      "hf://org/llama/model.gguf",
      `${hub.url}/org/llama`,
      `${hub.url}/org/llama/blob/main/model.gguf`,
      `${hub.url}/org/llama/resolve/main/model.gguf`,
    ]) {
      expect(shapeOf(await remote(form))).toEqual(expected);
    }
  });

  test("is whole when sharded safetensors", async () => {
    const local = await inspectModel(join(FILES, "safetensors", "llama-3-sharded"));
    const model = await remote("org/sharded");
    expect(shapeOf(model)).toEqual(shapeOf(local));
    expect(model.source.files).toHaveLength(3);
  });
});

describe("a file that changes on its server", () => {
  /** Answers ranges of 1,000 bytes; every answer before the `stable`th has a tag of its own. */
  function changing(stable: number) {
    let answers = 0;
    const fetch: typeof globalThis.fetch = async (_input, init) => {
      const [, start = 0, end = 0] = (/(\d+)-(\d+)/.exec(new Headers(init?.headers).get("range") ?? "") ?? []).map(
        Number,
      );
      const last = Math.min(end, start + 999, LLAMA.length - 1);
      answers += 1;
      const etag = `"${Math.min(answers, stable)}"`;
      const headers = { etag, "content-range": `bytes ${start}-${last}/${LLAMA.length}` };
      return new Response(LLAMA.slice(start, last + 1), { status: 206, headers });
    };
    return inspectModel("https://files.example/model.gguf", { fetch });
  }

  test("is read once more from its start, and then refused", async () => {
    const expected = shapeOf(await inspectModel(join(FILES, "gguf", "llama-3.gguf")));
    expect(shapeOf(await changing(2))).toEqual(expected);
    const error = await changing(100).catch((reason: unknown) => reason);
    expect(isInspectError(error, "source-changed")).toBe(true);
  });
});

describe("a model read from memory", () => {
  test("is the same from a Blob, a File, a ByteSource and its splits in any order", async () => {
    const expected = shapeOf(await inspectModel(join(FILES, "gguf", "llama-3.gguf")));
    const own = {
      size: LLAMA.length,
      label: "own",
      read: async (start: number, end: number) => LLAMA.subarray(start, end),
    };
    expect(shapeOf(await inspectModel(new Blob([LLAMA])))).toEqual(expected);
    expect(shapeOf(await inspectModel(new File([LLAMA], "model.gguf")))).toEqual(expected);
    expect(shapeOf(await inspectModel(own))).toEqual(expected);
    const parts = Object.values(splits).map((file, place) => {
      const { header, size } = file as { header: Uint8Array; size: number };
      const read = async (start: number, end: number) => {
        const bytes = new Uint8Array(end - start);
        bytes.set(header.subarray(start, end));
        return bytes;
      };
      return { size, label: `part ${place}`, read };
    });
    const inOrder = await inspectModel(parts);
    expect(inOrder.tensors).toHaveLength(SHARDS * 100);
    expect(shapeOf(await inspectModel(parts.toReversed()))).toEqual(shapeOf(inOrder));
  });

  test("is the whole model from the files of a folder, as a browser gives them", async () => {
    const folder = join(FILES, "safetensors", "llama-3-sharded");
    const files = readdirSync(folder)
      .reverse()
      .map((name) => new File([readFileSync(join(folder, name))], name));
    const model = await inspectModel([...files, new File(["hello"], "README.md")]);
    expect(shapeOf(model)).toEqual(shapeOf(await inspectModel(folder)));
    expect(model.source.kind).toBe("blob");
    const incomplete = await inspectModel(files.filter(({ name }) => !name.includes("00002"))).catch((error) => error);
    expect(isInspectError(incomplete, "missing-shard")).toBe(true);
  });

  test("keeps only plain, frozen, JSON-able data", async () => {
    const model = await inspectModel(new Blob([LLAMA]));
    expect(JSON.parse(JSON.stringify(model))).toEqual(model);
    const visit = (value: unknown): void => {
      if (typeof value !== "object" || value === null) return;
      expect(Object.isFrozen(value)).toBe(true);
      Object.values(value).forEach(visit);
    };
    visit(model);
  });

  test("gives long arrays on demand", async () => {
    const read = async (start: number, end: number) => {
      const bytes = new Uint8Array(end - start);
      bytes.set(large.header.subarray(start, end));
      return bytes;
    };
    const sparse = { size: large.size, label: "sparse", read };
    const model = await inspectModel(sparse);
    expect(model.metadata["tokenizer.ggml.tokens"]).toEqual({ array: "string", length: 128_256 });
    const merges = await readMetadataArray(sparse, "tokenizer.ggml.merges");
    expect(merges).toHaveLength(280_147);
    expect(merges.at(-1)).toBe(`token ${(280_146).toString(36)}`);
    const missing = await readMetadataArray(sparse, "tokenizer.ggml.none").catch((error: unknown) => error);
    expect(isInspectError(missing, "not-found")).toBe(true);
  });

  test("rejects with the caller's own reason when aborted", async () => {
    const reason = new Error("changed my mind");
    await expect(inspectModel(new Blob([LLAMA]), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  test("turns diagnostics into errors when strict", async () => {
    const long = new Blob([LLAMA, new Uint8Array(7)]);
    expect((await inspectModel(long)).diagnostics).toMatchObject([{ code: "trailing-bytes" }]);
    const error = await inspectModel(long, { strict: true }).catch((reason: unknown) => reason);
    expect(isInspectError(error, "trailing-bytes")).toBe(true);
    expect(String(error)).toContain("7 bytes");
  });
});
