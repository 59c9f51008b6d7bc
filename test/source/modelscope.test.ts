import { readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { inspectModel } from "../../src/inspect.ts";
import type { InspectOptions } from "../../src/options.ts";
import { writeSafetensors } from "../formats/write-safetensors.ts";
import { type Answer, type Origin, ranged, redirectedFetch, type Seen, startOrigin } from "../hub/origin.ts";
import { failure } from "./reading.ts";

const fixture = (path: string) => readFileSync(new URL(`../../fixtures/files/${path}`, import.meta.url));
const gguf = fixture("demo.gguf");
const files: Record<string, Record<string, Uint8Array>> = {
  "org/gguf": { "m-Q8_0.gguf": gguf, "m-Q4_K_M.gguf": gguf, "mmproj-m.gguf": gguf, "README.md": new Uint8Array(3) },
  "org/llama": {
    "config.json": fixture("safetensors/llama-3/config.json"),
    "model.safetensors": fixture("safetensors/llama-3/model.safetensors"),
  },
  "org/traversal": { "../../x/m.gguf": gguf },
};
let site: Origin;
let cdn: Origin;
let bend: ((url: URL, seen: Seen) => Answer | undefined) | undefined;

function listing(id: string): string {
  const entries = Object.entries(files[id] ?? {}).map(([Path, bytes]) => ({
    Type: "blob",
    Name: Path,
    Path,
    Size: bytes.byteLength,
  }));
  return JSON.stringify({
    Code: 200,
    Success: true,
    Data: { Files: [{ Type: "tree", Path: "sub", Size: 0 }, ...entries] },
  });
}

beforeAll(async () => {
  cdn = await startOrigin((seen) => ranged(gguf, seen));
  site = await startOrigin((seen) => {
    const url = new URL(seen.url, "http://site");
    const bent = bend?.(url, seen);
    if (bent !== undefined) return bent;
    const id = /^\/api\/v1\/models\/([^/]+\/[^/]+)\/repo/.exec(url.pathname)?.[1] ?? "";
    if (files[id] === undefined) return { status: 404, body: '{"Code":10010205001,"Success":false}' };
    if (url.pathname.endsWith("/repo/files")) return { body: listing(id) };
    const path = url.searchParams.get("FilePath") ?? "";
    const bytes = files[id]?.[path];
    if (bytes === undefined) return undefined;
    // As measured of the service: large files are elsewhere, small ones come as a part under 200.
    if (path.endsWith(".gguf"))
      return { status: 302, headers: { location: `https://cdn.example/${path}?auth_key=mock` } };
    return ranged(bytes, seen, 200);
  });
});
afterEach(() => {
  bend = undefined;
  site.seen.length = 0;
  cdn.seen.length = 0;
});
afterAll(async () => {
  await site.close();
  await cdn.close();
});

const read = (source: string, options: InspectOptions = {}) =>
  inspectModel(source, {
    fetch: redirectedFetch({ "https://www.modelscope.cn": site.url, "https://cdn.example": cdn.url }),
    token: "hf_mustNotLeak1",
    ...options,
  });

describe("a repo of ModelScope", () => {
  it("with GGUF takes two reads, and no token", async () => {
    const { source, weights } = await read("modelscope://org/gguf");
    expect(source).toMatchObject({ kind: "modelscope", id: "org/gguf", revision: "master", requests: 2 });
    expect(source.files).toMatchObject([{ path: "m-Q4_K_M.gguf", bytes: gguf.byteLength }]);
    expect(weights).toEqual((await inspectModel("fixtures/files/demo.gguf")).weights);
    expect(site.seen.map(({ url }) => url)).toEqual([
      "/api/v1/models/org/gguf/repo/files?Revision=master&Recursive=True",
      "/api/v1/models/org/gguf/repo?Revision=master&FilePath=m-Q4_K_M.gguf",
    ]);
    expect(JSON.stringify([site.seen, cdn.seen])).not.toContain("hf_mustNotLeak1");
  });

  it("with safetensors brings its config.json, and may send parts under 200", async () => {
    const { source, layerCount } = await read("modelscope://org/llama");
    expect(source).toMatchObject({ requests: 3, files: [{ path: "model.safetensors" }] });
    expect(layerCount).toBe((await inspectModel("fixtures/files/safetensors/llama-3")).layerCount);
  });

  it("may send a part under 200 when it says which", async () => {
    const limits = { ggufHeaderBytes: 10_000 };
    bend = (url, seen) => (url.searchParams.has("FilePath") ? ranged(gguf, seen, 200) : undefined);
    const { source } = await read("modelscope://org/gguf", { limits });
    expect(source.files).toMatchObject([{ bytes: gguf.byteLength, headerBytes: 4_608 }]);
    expect(site.seen.at(-1)?.headers.range).toBe("bytes=0-9999");
    // Without saying so, it is taken for the whole file, which is longer by the listing.
    bend = (url) => (url.searchParams.has("FilePath") ? { body: gguf.subarray(0, 10_000) } : undefined);
    await failure(read("modelscope://org/gguf", { limits }), "source-changed");
  });

  it("may be named with quantization, revision, page or path", async () => {
    for (const name of ["org/gguf:Q8_0", "org/gguf@master/m-Q8_0.gguf"]) {
      expect((await read(`modelscope://${name}`)).source.files).toMatchObject([{ path: "m-Q8_0.gguf" }]);
    }
    const page = "https://modelscope.cn/models/org/gguf/resolve/v1/m-Q8_0.gguf";
    expect((await read(page)).source).toMatchObject({ revision: "v1", files: [{ path: "m-Q8_0.gguf" }] });
    expect((await read("modelscope://org/gguf", { revision: "v2" })).source.revision).toBe("v2");
  });

  it("may list files without a size, or with one that no file has", async () => {
    const Files = [
      { Path: "a-Q8_0.gguf", Size: -1 },
      { Path: "b-Q2_K.gguf" },
      { Path: "c-Q4_0.gguf", Size: 7 },
      { Path: 7 },
    ];
    bend = (url) => (url.pathname.endsWith("/files") ? { body: JSON.stringify({ Data: { Files } }) } : undefined);
    const { message } = await failure(read("modelscope://org/gguf:IQ1_S"), "quant-not-found");
    expect(message).toContain("It has Q8_0, Q2_K, Q4_0 (7 bytes).");
  });

  it("with shards named by an index alone is read by that index, and needs no config.json beside it", async () => {
    const weight = (name: string, length: number) =>
      JSON.stringify({ [name]: { dtype: "F32", shape: [length], data_offsets: [0, 4 * length] } });
    const weight_map = { t0: "x.safetensors", t1: "y.safetensors", t2: "y.safetensors" };
    const Files = ["model.safetensors.index.json", "x.safetensors", "y.safetensors"].map((Path) => ({ Path }));
    const body: Record<string, Answer> = {
      "model.safetensors.index.json": { body: JSON.stringify({ weight_map }) },
      "x.safetensors": { body: writeSafetensors({ header: weight("t0", 1), dataBytes: 4 }) },
      "y.safetensors": { body: writeSafetensors({ header: weight("t1", 2), dataBytes: 8 }) },
    };
    bend = (url) =>
      url.pathname.endsWith("/files")
        ? { body: JSON.stringify({ Data: { Files } }) }
        : body[url.searchParams.get("FilePath") ?? ""];
    const { source, weights, diagnostics } = await read("modelscope://org/gguf");
    expect(diagnostics[0]).toMatchObject({ code: "index-mismatch", message: expect.stringContaining("t2") });
    expect(source.files?.map(({ path }) => path)).toEqual(["x.safetensors", "y.safetensors"]);
    expect(weights.bytes).toBe(12);
  });

  it("names the projector as a file of it", async () => {
    const { companions = [] } = (await read("modelscope://org/gguf")).source;
    expect(companions).toMatchObject([{ source: "modelscope://org/gguf@master/mmproj-m.gguf" }]);
    expect((await read(companions[0]!.source)).source.files).toMatchObject([{ path: "mmproj-m.gguf" }]);
  });

  it.each([
    ["modelscope://org/absent", {}, "repo-not-found", "does not exist, or is private"],
    ["modelscope://org/gguf:IQ1_S", {}, "quant-not-found", "Q4_K_M"],
    ["modelscope://org/gguf/x.gguf", {}, "entry-not-found", "x.gguf"],
    ["modelscope://org/traversal", {}, "unsafe-path", "stay inside"],
    ["modelscope://org/gguf", { offline: true }, "offline", "offline"],
    ["modelscope://org/gguf@v1", { revision: "v2" }, "invalid-option", "v2"],
  ] as const)("%s with %j fails with %s", async (source, options, code, says) => {
    expect((await failure(read(source, options), code)).message).toContain(says);
  });

  it.each([
    [
      "that says no under 200",
      { body: '{"Code":10010101,"Success":false,"Message":"no such repo"}' },
      "repo-not-found",
    ],
    ["that says nothing of why", { body: '{"Data":{"Files":null},"Message":7}' }, "repo-not-found"],
    ["that is no JSON", { body: "<html>" }, "invalid-json"],
    ["that is a private repo's", { status: 401 }, "repo-not-found"],
    ["that limits requests", { status: 429, headers: { "retry-after": "99" } }, "rate-limited"],
  ] as const)("fails typed for an answer %s", async (_, answer, code) => {
    bend = () => answer;
    await failure(read("modelscope://org/gguf"), code);
  });
});
