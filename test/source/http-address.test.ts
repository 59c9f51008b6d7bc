import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { resolveSource } from "../../src/source/resolve.ts";
import type { SourceOptions } from "../../src/source/resolved.ts";
import { type Fault, type MockHub, startMockHub } from "../hub/mock-hub.ts";
import { expectBytes, failure, pattern, sourceOptions, takeStream, utf8 } from "./reading.ts";

const file = pattern(300_000);
let hub: MockHub;

beforeAll(async () => {
  hub = await startMockHub({
    repos: {
      "org/files": {
        files: {
          "m.gguf": file,
          "s-00001-of-00002.gguf": pattern(100_000),
          "s-00002-of-00002.gguf": pattern(50_000),
          "gap-00001-of-00003.gguf": pattern(100),
          "gap-00002-of-00003.gguf": pattern(100),
          "model.safetensors": pattern(200_000),
          "config.json": utf8('{"model_type":"llama"}'),
          "z-00000-of-00003.safetensors": pattern(10),
          "z-00001-of-00003.safetensors": pattern(11),
          "z-00002-of-00003.safetensors": pattern(12),
          "gap-00001-of-00003.safetensors": pattern(10),
          "model.safetensors.index.json": utf8('{"weight_map":{"a":"model.safetensors","b":"other.safetensors"}}'),
          blob: new Uint8Array([0x47, 0x47, 0x55, 0x46, 3, 0, 0, 0, 9, 9]),
          "page.html": utf8("<html></html>"),
        },
      },
    },
  });
});
afterEach(() => hub.reset());
afterAll(() => hub.close());

const urlOf = (name: string) => `${hub.cdnUrl}/org/files/${name}?X-Signature=mock`;

describe("a plain http address", () => {
  const resolve = (name: string, options: Partial<Omit<SourceOptions, "limits">> = {}) =>
    resolveSource(urlOf(name), sourceOptions(options), undefined);

  it("of a lone GGUF takes one request for everything, and shows no query", async () => {
    const resolved = await resolve("m.gguf");
    expect(resolved).toMatchObject({ kind: "http", format: "gguf", id: `${hub.cdnUrl}/org/files/m.gguf` });
    const source = await resolved.files[0]?.open();
    expectBytes(await takeStream(source!, 200_000), file.subarray(0, 200_000));
    expect(resolved.traffic.requests).toBe(1);
    expect(source?.label).not.toContain("?");
  });

  it("of a shard stands for its set, with small first reads after the first", async () => {
    const resolved = await resolve("s-00002-of-00002.gguf");
    expect(resolved.files.map(({ path }) => path)).toEqual(["s-00001-of-00002.gguf", "s-00002-of-00002.gguf"]);
    for (const shard of resolved.files) await takeStream(await shard.open(), 20_000);
    expect(hub.stats.list.map(({ range }) => range)).toEqual([
      "bytes=0-268435455",
      "bytes=0-16383",
      "bytes=16384-49999",
    ]);
  });

  it("of an incomplete set fails with the name of the part", async () => {
    const resolved = await resolve("gap-00001-of-00003.gguf");
    const error = await failure(resolved.files[2]!.open(), "missing-shard");
    expect(error.message).toContain("gap-00003-of-00003.gguf");
  });

  it("of safetensors brings the config.json beside it", async () => {
    const resolved = await resolve("model.safetensors");
    expect(resolved.config?.text).toBe('{"model_type":"llama"}');
    await (await resolved.files[0]!.open()).close?.();
    expect(hub.stats.list.at(-1)?.range).toBe("bytes=0-102399");
    hub.fault = ({ path }) => (path.includes("config.json") ? { status: 404 } : undefined);
    expect((await resolve("model.safetensors")).config).toBeUndefined();
  });

  it("of safetensors does without a config.json that is refused or a page, and says so of a page", async () => {
    const bent = async (fault: Fault) => {
      hub.fault = ({ path }) => (path.includes("config.json") ? fault : undefined);
      return resolve("model.safetensors");
    };
    const refused = await bent({ status: 403 });
    expect([refused.config, refused.diagnostics]).toEqual([undefined, []]);
    const page = await bent({ status: 200, body: "<html></html>" });
    expect(page.config).toBeUndefined();
    expect(page.diagnostics).toMatchObject([{ code: "invalid-json", where: expect.stringMatching(/config\.json$/) }]);
    await failure(bent({ status: 418 }), "http-status");
  });

  it("of safetensors asks once more for a config.json whose body breaks", async () => {
    const cut = { cut: { afterBytes: 3, ending: "reset" } } as const;
    hub.fault = ({ path, count }) => (path.includes("config.json") && count === 1 ? cut : undefined);
    expect((await resolve("model.safetensors")).config?.text).toBe('{"model_type":"llama"}');
    hub.fault = ({ path }) => (path.includes("config.json") ? cut : undefined);
    await failure(resolve("model.safetensors"), "network");
  });

  it("of an index stands for the files it names", async () => {
    const resolved = await resolve("model.safetensors.index.json");
    expect(resolved).toMatchObject({
      format: "safetensors",
      index: { files: ["model.safetensors", "other.safetensors"] },
      config: { text: '{"model_type":"llama"}' },
    });
    expect((await resolved.files[0]!.open()).size).toBe(200_000);
    const error = await failure(resolved.files[1]!.open(), "missing-shard");
    expect(error.message).toContain("File 2 of 2");
  });

  it("whose name tells nothing can be opened again", async () => {
    const resolved = await resolve("blob");
    for (const requests of [1, 2]) {
      const source = await resolved.files[0]!.open();
      expectBytes(await source.read(8, 10), Uint8Array.of(9, 9));
      expect(resolved.traffic.requests).toBe(requests);
      await source.close?.();
    }
  });

  it("whose name tells nothing is told by its first bytes, in the same request", async () => {
    const resolved = await resolve("blob");
    expect(resolved.format).toBe("gguf");
    await takeStream(await resolved.files[0]!.open(), 10);
    expect(resolved.traffic.requests).toBe(1);
    expect((await failure(resolve("page.html"), "wrong-format")).message).toContain("It is an HTML page");
  });

  it("that is no model is not read on", async () => {
    let cancelled = false;
    const page = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(utf8("<html>".repeat(1_000))),
      cancel() {
        cancelled = true;
      },
    });
    const fetch = async () =>
      new Response(page, { status: 206, headers: { "content-range": "bytes 0-268435455/400000000" } });
    await failure(resolve("blob", { fetch }), "wrong-format");
    expect(cancelled).toBe(true);
  });

  it("of a shard in the middle finds a set numbered from 0", async () => {
    const resolved = await resolve("z-00001-of-00003.safetensors");
    const sources = await Promise.all(resolved.files.map((shard) => shard.open()));
    expect(sources.map(({ path, size }) => [path, size])).toEqual([
      ["z-00001-of-00003.safetensors", 11],
      ["z-00002-of-00003.safetensors", 12],
      ["z-00000-of-00003.safetensors", 10],
    ]);
    hub.fault = ({ path }) => (path.includes("z-00003") ? { status: 403 } : undefined);
    await failure(resolved.files[2]!.open(), "forbidden");
    hub.reset();
    const gap = await resolve("gap-00001-of-00003.safetensors");
    const error = await failure(gap.files[2]!.open(), "missing-shard");
    expect(error.message).toContain("gap-00003-of-00003.safetensors");
    hub.fault = ({ path }) => (path.includes("gap-00000") ? { status: 403 } : undefined);
    await failure(gap.files[2]!.open(), "forbidden");
  });

  it.each([
    ["absent.gguf", {}, "not-found"],
    ["pytorch_model.bin", {}, "no-model"],
    ["m.gguf", { offline: true }, "offline"],
  ] as const)("%s with %j fails with %s", async (name, options, code) => {
    const resolved = resolve(name, options).then(({ files }) => files[0]!.open());
    await failure(resolved, code);
  });
});
