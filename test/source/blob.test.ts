import { describe, expect, it } from "vitest";
import { type InspectCode, InspectError } from "../../src/errors.ts";
import type { Limits } from "../../src/limits.ts";
import type { ByteSource } from "../../src/source/byte-source.ts";
import { resolveSource } from "../../src/source/resolve.ts";
import type { Progress } from "../../src/source/resolved.ts";
import { expectBytes, failure, pattern, sourceOptions, takeStream, utf8 } from "./reading.ts";

const gguf = new Uint8Array(200_000);
gguf.set([0x47, 0x47, 0x55, 0x46]);
const tinySafetensors = new Uint8Array([2, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d]);
const resolve = (input: Blob | ByteSource | readonly ByteSource[], given = {}) =>
  resolveSource(input, sourceOptions(given), undefined);

const inMemory = (path: string, bytes: Uint8Array): ByteSource => ({
  size: bytes.byteLength,
  label: `memory/${path}`,
  path,
  read: async (start, end) => bytes.slice(start, end),
});

describe("a Blob or File", () => {
  it.each([
    [new Blob([gguf]), "gguf"],
    [new Blob([tinySafetensors]), "safetensors"],
    [new File([gguf], "m.gguf"), "gguf"],
    [new File([gguf], "m.safetensors"), "safetensors"],
  ])("tells its format by name or first bytes", async (blob, format) => {
    expect(await resolve(blob)).toMatchObject({ kind: "blob", format });
  });

  it("is read slice by slice", async () => {
    const resolved = await resolve(new File([gguf], "m.gguf"));
    const source = await resolved.files[0]!.open();
    expect(source.label).toBe("m.gguf");
    expectBytes(await takeStream(source, 70_000), gguf.subarray(0, 70_000));
    expect(resolved.traffic).toEqual({ requests: 0, bytesRead: 200_000 });
    await failure(source.read(199_999, 200_001), "truncated");
  });

  it("that is neither format is refused", async () => {
    await failure(resolve(new Blob(["hello, this is text"])), "wrong-format");
    await failure(resolve(new Blob([])), "wrong-format");
  });
});

describe("a caller's own source", () => {
  it("is read through, counted and reported", async () => {
    const seen: Progress[] = [];
    const resolved = await resolve(inMemory("m.gguf", gguf), {
      onProgress: (progress: Progress) => seen.push(progress),
    });
    const source = await resolved.files[0]!.open();
    expectBytes(await source.read(0, 100), gguf.subarray(0, 100));
    await source.close?.();
    expect(resolved).toMatchObject({ kind: "custom", format: "gguf", traffic: { requests: 1, bytesRead: 100 } });
    expect(seen.at(-1)).toEqual({ files: 1, filesRead: 1, bytesRead: 100 });
  });

  it("must give exactly what is asked", async () => {
    const short: ByteSource = { ...inMemory("m.gguf", gguf), read: async () => new Uint8Array(3) };
    const source = await (await resolve(short)).files[0]!.open();
    expect((await failure(source.read(0, 100), "truncated")).message).toContain("3 bytes where 100");
  });

  it.each<[string, Partial<ByteSource>]>([
    ["read rejects", { read: () => Promise.reject(new Error("bucket closed")) }],
    ["stream rejects", { stream: () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(7) }) }) }],
    ["read gives an ArrayBuffer", { read: async () => new ArrayBuffer(100) as never }],
    ["read gives nothing", { read: async () => undefined as never }],
    [
      "stream gives text",
      {
        async *stream() {
          yield "GGUF" as never;
        },
      },
    ],
  ])("whose %s is unreadable", async (_, bent) => {
    const source = await (await resolve({ ...inMemory("m.gguf", gguf), ...bent })).files[0]!.open();
    await failure(bent.stream === undefined ? source.read(0, 100) : takeStream(source, 100), "unreadable");
  });

  it("may reject with an error of the package's own, which stays as it is", async () => {
    const own = new InspectError("rate-limited", "the bucket asks to wait", { source: "bucket" });
    const limited: ByteSource = { ...inMemory("m.gguf", gguf), read: () => Promise.reject(own) };
    const source = await (await resolve(limited)).files[0]!.open();
    expect(await failure(source.read(0, 10), "rate-limited")).toBe(own);
  });

  it("that hangs ends with the caller's time or signal", async () => {
    const hang = new Promise<never>(() => {});
    const stuck: ByteSource = {
      ...inMemory("m.gguf", gguf),
      read: () => hang,
      async *stream() {
        yield gguf.subarray(0, 10);
        await hang;
      },
    };
    for (const give of [() => ({ timeoutMs: 40 }), () => ({ signal: AbortSignal.timeout(40) })]) {
      const given: { timeoutMs?: number; signal?: AbortSignal } = give();
      const source = await (await resolve(stuck, given)).files[0]!.open();
      const failures = await Promise.allSettled([source.read(0, 10), takeStream(source, 100)]);
      for (const outcome of failures) {
        expect(outcome.status).toBe("rejected");
        expect(outcome).toMatchObject({ reason: given.signal?.reason ?? { code: "timeout" } });
      }
    }
  });

  it("may be one of several, put in shard order", async () => {
    const parts = [2, 1, 3].map((i) => inMemory(`m-0000${i}-of-00003.gguf`, pattern(10)));
    expect((await resolve(parts)).files.map(({ path }) => path)).toEqual(
      [1, 2, 3].map((i) => `m-0000${i}-of-00003.gguf`),
    );
    expect((await failure(resolve(parts.slice(0, 2)), "missing-shard")).message).toContain("m-00003-of-00003.gguf");
    await failure(resolve([...parts, ...parts.slice(0, 1)]), "invalid-source");
    await failure(resolve([]), "invalid-source");
  });

  it.each([[null], [7], [{ size: -1, label: "x", read: () => undefined }], [{ label: "x" }]])(
    "is refused when it is %j",
    async (input) => {
      await failure(resolve(input as never), "invalid-source");
    },
  );
});

describe("sources that stand for a folder", () => {
  const config = inMemory("config.json", utf8('{"model_type":"llama"}'));
  const [first, second] = ["x.safetensors", "y.safetensors"].map((path) => inMemory(path, tinySafetensors));
  const indexOf = (...files: string[]) =>
    inMemory(
      "model.safetensors.index.json",
      utf8(JSON.stringify({ weight_map: Object.fromEntries(files.map((file, i) => [`t${i}`, file])) })),
    );

  it("give the model with its config.json and index", async () => {
    const resolved = await resolve([config, second!, indexOf("x.safetensors", "y.safetensors"), first!]);
    expect(resolved).toMatchObject({
      kind: "custom",
      id: "x.safetensors",
      config: { path: "config.json", text: '{"model_type":"llama"}' },
      index: { files: ["x.safetensors", "y.safetensors"] },
      files: [{ path: "x.safetensors" }, { path: "y.safetensors" }],
    });
    expect((await resolved.files[1]!.open()).label).toBe("memory/y.safetensors");
  });

  it("give GGUF with its projector, and leave config.json aside", async () => {
    const resolved = await resolve([config, inMemory("mmproj-m.gguf", gguf), inMemory("m-Q4_0.gguf", gguf)]);
    expect(resolved).toMatchObject({
      format: "gguf",
      files: [{ path: "m-Q4_0.gguf" }],
      companions: [{ role: "projector", source: "mmproj-m.gguf" }],
    });
    expect(resolved.config).toBeUndefined();
  });

  it("may be named by their labels alone", async () => {
    const { path: _path, ...unnamed } = inMemory("config.json", utf8("{}"));
    const resolved = await resolve([{ ...unnamed, label: "config.json" }, first!]);
    expect(resolved).toMatchObject({ config: { text: "{}" }, files: [{ path: "x.safetensors" }] });
  });

  it.each<[string, ByteSource[], Partial<Limits>, InspectCode, string]>([
    [
      "lack a file of the index",
      [indexOf("x.safetensors", "z.safetensors"), first!],
      {},
      "missing-shard",
      "z.safetensors",
    ],
    [
      "have a config.json beyond its limit",
      [config, first!],
      { configBytes: 5 },
      "limit-exceeded",
      "limits.configBytes",
    ],
    ["have no weights", [config, inMemory("README.json", gguf)], {}, "no-model", "the list of sources"],
    ["are several sets", [config, first!, second!], {}, "invalid-source", "several sets"],
  ])("are refused when they %s", async (_, sources, limits, code, says) => {
    expect((await failure(resolve(sources, { limits }), code)).message).toContain(says);
  });

  it("heed an abort when they are opened", async () => {
    const resolved = await resolve([config, first!]);
    await expect(resolved.files[0]!.open(AbortSignal.abort("stop"))).rejects.toBe("stop");
  });
});
