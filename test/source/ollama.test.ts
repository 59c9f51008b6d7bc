import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { inspectModel } from "../../src/inspect.ts";
import type { InspectOptions } from "../../src/options.ts";
import { type Answer, type Origin, ranged, redirectedFetch, startOrigin } from "../hub/origin.ts";
import { failure } from "./reading.ts";

const gguf = readFileSync(new URL("../../fixtures/files/demo.gguf", import.meta.url));
const [MODEL, PROJECTOR, LIST, ABSENT] = ["a", "b", "c", "d"].map((digit) => digit.repeat(64)) as [
  string,
  string,
  string,
  string,
];
const LIST_TYPE = "application/vnd.ollama.manifest.list.v2+json";
const layer = (kind: string, sha256: string, size: number = gguf.byteLength) => ({
  mediaType: `application/vnd.ollama.image.${kind}`,
  digest: `sha256:${sha256}`,
  size,
});
const manifest = (...layers: object[]) => JSON.stringify({ schemaVersion: 2, layers });
const PLAIN = manifest(layer("model", MODEL), layer("license", ABSENT, 10));
const SEEING = manifest(layer("model", MODEL), layer("projector", PROJECTOR), layer("adapter", ABSENT, 10));
const runner = (name: string, fields: object) => ({ runner: name, ...fields });
const listOf = (...manifests: object[]) => JSON.stringify({ mediaType: LIST_TYPE, manifests });

/** Manifests no model can be read from, and what is said of them. */
const BAD: readonly (readonly [name: string, text: string, code: string, says: string])[] = [
  ["cloud", manifest(), "no-model", "no weights"],
  ["tensors", manifest(layer("tensor", MODEL)), "no-model", "single tensors"],
  ["mlx-only", listOf(runner("mlx", { layers: [] })), "no-model", "single tensors"],
  ["two", manifest(layer("model", MODEL), layer("model", PROJECTOR)), "no-model", "2 files"],
  [
    "traversal",
    manifest({ ...layer("model", MODEL), digest: "sha256:../../../etc/passwd" }),
    "invalid-json",
    "SHA-256",
  ],
  ["sizeless", manifest({ ...layer("model", MODEL), size: "big" }), "invalid-json", "size"],
  ["digestless", manifest({ ...layer("model", MODEL), digest: 7 }), "invalid-json", "SHA-256"],
  ["untyped", manifest({ ...layer("model", MODEL), mediaType: 7 }, { mediaType: "text/x" }), "no-model", "no weights"],
  ["itemless", '{"layers":[7,{"mediaType":"application/vnd.ollama.image.model"}]}', "invalid-json", "size"],
  ["negative", manifest(layer("model", MODEL, -1)), "invalid-json", "size"],
  ["array", "[]", "no-model", "no weights"],
  ["page", "<html></html>", "invalid-json", "JSON"],
  ["deep", `{"layers":${"[".repeat(200)}${"]".repeat(200)}}`, "limit-exceeded", "deep"],
];

const root = mkdtempSync(join(tmpdir(), "weighin-ollama-"));
const store = join(root, "models");
afterAll(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, content: string | Uint8Array): string {
  const full = join(store, path);
  mkdirSync(join(full, ".."), { recursive: true });
  writeFileSync(full, content);
  return full;
}
const library = (name: string) => `manifests/registry.ollama.ai/library/${name}`;

describe("Ollama's store", () => {
  write(`blobs/sha256-${MODEL}`, gguf);
  write(`blobs/sha256-${PROJECTOR}`, gguf);
  write(`blobs/sha256-${LIST}`, PLAIN);
  write(library("llama3/latest"), PLAIN);
  write(library("llava/7b"), SEEING);
  write("manifests/hf.co/org/name/Q8_0", PLAIN);
  const offline: InspectOptions = { offline: true, ollamaDir: store };

  it("gives a model by its name, without a request", async () => {
    const model = await inspectModel("ollama://llama3", offline);
    expect(model.source).toMatchObject({ kind: "ollama", id: "llama3:latest", requests: 0 });
    expect(model.source.files).toMatchObject([{ path: `sha256-${MODEL}`, bytes: gguf.byteLength }]);
    expect(model.weights).toEqual((await inspectModel("fixtures/files/demo.gguf")).weights);
    expect((await inspectModel("ollama://hf.co/org/name:Q8_0", offline)).source.id).toBe("hf.co/org/name:Q8_0");
  });

  it("gives it by the path of its manifest or of its blob", async () => {
    const byManifest = await inspectModel(join(store, library("llama3/latest")));
    expect(byManifest.source.files).toMatchObject([{ path: `sha256-${MODEL}` }]);
    const byBlob = await inspectModel(join(store, `blobs/sha256-${MODEL}`));
    expect(byBlob.weights).toEqual(byManifest.weights);
  });

  it("names the projector, and says that an adapter is not weighed", async () => {
    const { source, diagnostics } = await inspectModel("ollama://llava:7b", offline);
    const path = join(store, `blobs/sha256-${PROJECTOR}`);
    expect(source.companions).toEqual([{ role: "projector", path: `sha256-${PROJECTOR}`, source: path }]);
    expect(diagnostics).toMatchObject([{ code: "not-counted", message: expect.stringContaining("1 adapter (LoRA)") }]);
  });

  it("takes of a list of manifests the one for GGUF, written out or named", async () => {
    const child = JSON.parse(PLAIN);
    write(library("list/inline"), listOf(runner("mlx", { layers: [] }), runner("llamacpp", child)));
    write(library("list/named"), listOf(runner("ollama", { digest: `sha256:${LIST}` })));
    for (const tag of ["inline", "named"]) {
      expect((await inspectModel(`ollama://list:${tag}`, offline)).source.files).toMatchObject([
        { path: `sha256-${MODEL}` },
      ]);
    }
  });

  it.each(BAD)("refuses a manifest that is %s", async (name, text, code, says) => {
    write(library(`bad/${name}`), text);
    expect((await failure(inspectModel(`ollama://bad:${name}`, offline), code as never)).message).toContain(says);
  });

  it("misses a blob that is not there, and one that is not whole", async () => {
    write(library("part/latest"), manifest(layer("model", ABSENT)));
    expect((await failure(inspectModel("ollama://part", offline), "missing-shard")).message).toContain("Pull it again");
    write(library("short/latest"), manifest(layer("model", MODEL, gguf.byteLength + 1)));
    expect((await failure(inspectModel("ollama://short", offline), "truncated")).message).toContain(
      `${gguf.byteLength}`,
    );
  });

  it("names no projector that was not pulled", async () => {
    write(library("half/latest"), manifest(layer("model", MODEL), layer("projector", ABSENT)));
    expect((await inspectModel("ollama://half", offline)).source.companions ?? []).toEqual([]);
  });

  it("is only what has blobs beside its manifests", async () => {
    const stray = join(root, "elsewhere/manifests/a/b/c/d");
    mkdirSync(join(stray, ".."), { recursive: true });
    writeFileSync(stray, PLAIN);
    await failure(inspectModel(stray), "wrong-format");
  });

  it("is not left through a link", async () => {
    const outside = join(root, "outside.gguf");
    writeFileSync(outside, gguf);
    symlinkSync(outside, join(store, `blobs/sha256-${"e".repeat(64)}`));
    write(library("linked/latest"), manifest(layer("model", "e".repeat(64))));
    await failure(inspectModel("ollama://linked", offline), "unsafe-path");
  });

  it("says offline what it does not have, and where it looked", async () => {
    const { message } = await failure(inspectModel("ollama://absent", offline), "offline");
    expect(message).toContain(`${store}, which holds `);
    expect(message).toContain("bad:array");
    const empty = { offline: true, ollamaDir: join(root, "none") };
    expect((await failure(inspectModel("ollama://absent", empty), "offline")).message).toContain("holds no model");
    expect((await failure(inspectModel("ollama://absent", { offline: true }), "offline")).message).toContain(
      "ollamaDir",
    );
  });
});

describe("an Ollama registry", () => {
  let registry: Origin;
  let cdn: Origin;
  let bend: ((url: string) => Answer | undefined) | undefined;
  const manifests = new Map([
    ["/v2/library/llama3/manifests/latest", PLAIN],
    ["/v2/library/llava/manifests/7b", SEEING],
    ["/v2/own/list/manifests/named", listOf(runner("ollama", { digest: `sha256:${LIST}` }))],
    ...BAD.map(([name, text]) => [`/v2/library/bad/manifests/${name}`, text] as const),
  ]);

  beforeAll(async () => {
    cdn = await startOrigin((seen) => ranged(gguf, seen));
    registry = await startOrigin(({ url }) => {
      const bent = bend?.(url);
      if (bent !== undefined) return bent;
      if (url.endsWith(`/blobs/sha256:${LIST}`)) return { body: PLAIN };
      if (url.includes("/blobs/"))
        return { status: 307, headers: { location: `https://cdn.example${url}?X-Signature=mock` } };
      const body = manifests.get(url);
      return body === undefined ? undefined : { body };
    });
  });
  afterEach(() => {
    bend = undefined;
    registry.seen.length = 0;
    cdn.seen.length = 0;
  });
  afterAll(async () => {
    await registry.close();
    await cdn.close();
  });
  const read = (source: string, options: InspectOptions = {}) =>
    inspectModel(source, {
      fetch: redirectedFetch({ "https://registry.ollama.ai": registry.url, "https://cdn.example": cdn.url }),
      token: "hf_mustNotLeak1",
      endpoint: "https://hub.invalid",
      ...options,
    });

  it("takes two reads, and no token", async () => {
    const model = await read("ollama://llama3");
    expect(model.source).toMatchObject({ kind: "ollama", id: "llama3:latest", requests: 2 });
    expect(model.weights).toEqual((await inspectModel("fixtures/files/demo.gguf")).weights);
    expect(registry.seen.map(({ url }) => url)).toEqual([
      "/v2/library/llama3/manifests/latest",
      `/v2/library/llama3/blobs/sha256:${MODEL}`,
    ]);
    expect(registry.seen[0]?.headers.accept).toContain("application/vnd.docker.distribution.manifest.v2+json");
    expect(JSON.stringify([registry.seen, cdn.seen])).not.toContain("hf_mustNotLeak1");
  });

  it("of a host of its own is asked there, without TLS only on this machine", async () => {
    const { source } = await read(`ollama://${registry.host}/own/list:named`);
    expect(source).toMatchObject({ id: `${registry.host}/own/list:named`, requests: 3 });
    const asked: string[] = [];
    const fetch = async (input: unknown) => {
      asked.push(String(input));
      return new Response(null, { status: 404 });
    };
    await failure(inspectModel("ollama://reg.example/own/list", { fetch }), "repo-not-found");
    expect(asked).toEqual(["https://reg.example/v2/own/list/manifests/latest"]);
  });

  it("names the projector by an address that can be weighed", async () => {
    const { source } = await read("ollama://llava:7b");
    const [projector] = source.companions ?? [];
    expect(projector?.source).toBe(`https://registry.ollama.ai/v2/library/llava/blobs/sha256:${PROJECTOR}`);
    expect((await read(projector!.source)).format).toBe("gguf");
  });

  it("is asked when the store does not have the model", async () => {
    expect((await read("ollama://llama3", { ollamaDir: join(root, "none") })).source.requests).toBe(2);
    expect(registry.seen).toHaveLength(2);
  });

  it("is not asked when the store has the model", async () => {
    expect((await read("ollama://llama3", { ollamaDir: store })).source.requests).toBe(0);
    expect(registry.seen).toEqual([]);
  });

  it("is the hub for the hub's names", async () => {
    const fetch = async (input: unknown) => {
      expect(String(input)).toBe("https://hub.invalid/api/models/org/name/revision/main?blobs=true");
      return new Response(null, { status: 404 });
    };
    await failure(read("ollama://hf.co/org/name:Q4_K_M", { fetch }), "repo-not-found");
    await failure(read("ollama://hf.co/org/name", { fetch }), "repo-not-found");
  });

  it.each(BAD)("is refused for a manifest that is %s", async (name, _text, code, says) => {
    expect((await failure(read(`ollama://bad:${name}`), code as never)).message).toContain(says);
  });

  it.each([
    ["an absent model", { status: 404 }, "repo-not-found", "Check its name and tag"],
    ["a private one", { status: 401 }, "unauthorized", "credentials"],
    ["too many requests", { status: 429, headers: { "retry-after": "3600" } }, "rate-limited", "3600 s"],
    ["a manifest without end", { body: " ".repeat(2_000) }, "limit-exceeded", "limits.configBytes"],
  ] as const)("fails typed for %s", async (_, answer, code, says) => {
    bend = () => answer;
    expect((await failure(read("ollama://llama3", { limits: { configBytes: 1_000 } }), code)).message).toContain(says);
  });

  it("is refused when a blob is not of the size its manifest says", async () => {
    bend = (url) => (url.includes("/manifests/") ? { body: manifest(layer("model", MODEL, 5)) } : undefined);
    await failure(read("ollama://llama3"), "source-changed");
  });
});
