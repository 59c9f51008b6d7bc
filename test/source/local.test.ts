import { execFileSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, it, vi } from "vitest";
import type { Limits } from "../../src/limits.ts";
import { openFile } from "../../src/source/file.ts";
import { fileError } from "../../src/source/file-error.ts";
import { openLocal } from "../../src/source/local.ts";
import { resolveSource } from "../../src/source/resolve.ts";
import type { Progress, SourceOptions } from "../../src/source/resolved.ts";
import { startSession } from "../../src/source/session.ts";
import { expectBytes, failure, pattern, sourceOptions, takeStream } from "./reading.ts";

const root = mkdtempSync(join(tmpdir(), "weighin-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const COMMIT = "a".repeat(40);
const CONFIG = '{"model_type":"llama"}';
type Given = Partial<Omit<SourceOptions, "limits">> & { limits?: Partial<Limits> };
const resolve = (input: string | URL, given: Given = {}) => resolveSource(input, sourceOptions(given), openLocal);

/** Writes files below a new folder and returns its path. */
function folder(name: string, files: Record<string, string | Uint8Array>): string {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(root, name, path, ".."), { recursive: true });
    writeFileSync(join(root, name, path), content);
  }
  return join(root, name);
}
const index = (...files: string[]) =>
  JSON.stringify({ weight_map: Object.fromEntries(files.map((file, i) => [`t${i}`, file])) });
const gguf = new Uint8Array([0x47, 0x47, 0x55, 0x46, 3, 0, 0, 0, 1, 2, 3, 4]);
const paths = (resolved: { files: readonly { path: string }[] }) => resolved.files.map(({ path }) => path);

describe("a local file", () => {
  const dir = folder("single", {
    "m.gguf": pattern(3_000_000),
    "my model #2 (100%).gguf": gguf,
    "sha256-abc": gguf,
    "notes.txt": "hello, notes",
    "pytorch_model.bin": gguf,
  });

  it("streams in growing chunks through one handle, counting bytes", async () => {
    const resolved = await resolve(join(dir, "m.gguf"));
    expect(resolved).toMatchObject({ kind: "file", format: "gguf" });
    const source = await resolved.files[0]!.open();
    const chunks: number[] = [];
    for await (const chunk of source.stream?.(0) ?? []) chunks.push(chunk.byteLength);
    expect(chunks).toEqual([65_536, 1_048_576, 1_048_576, 837_312]);
    expectBytes(await source.read(100, 200), pattern(200).subarray(100));
    await failure(source.read(2_999_999, 3_000_001), "truncated");
    await source.close?.();
    expect(resolved.traffic).toEqual({ requests: 0, bytesRead: 3_000_100 });
  });

  it("may be named by a file URL, by any legal name, or be a blob without ending", async () => {
    expect((await resolve(pathToFileURL(join(dir, "m.gguf")))).format).toBe("gguf");
    expect(paths(await resolve(join(dir, "my model #2 (100%).gguf")))).toEqual(["my model #2 (100%).gguf"]);
    expect((await resolve(join(dir, "sha256-abc"))).format).toBe("gguf");
  });

  it("brings the config.json beside safetensors", async () => {
    const path = folder("withconfig", { "model.safetensors": pattern(10), "config.json": CONFIG });
    expect((await resolve(join(path, "model.safetensors"))).config?.text).toBe(CONFIG);
    await failure(resolve(path, { limits: { configBytes: 5 } }), "limit-exceeded");
    writeFileSync(join(path, "config.json"), new Uint8Array([0x7b, 0xff, 0x7d]));
    await failure(resolve(path), "invalid-utf8");
  });

  it.each([
    ["absent.gguf", "not-found"],
    ["m.gguf/x.gguf", "not-found"],
    ["notes.txt", "wrong-format"],
    ["pytorch_model.bin", "no-model"],
  ] as const)("%s fails with %s", async (name, code) => {
    expect((await failure(resolve(join(dir, name)), code)).message).toContain(name);
  });

  it("counts as one in progress, whatever is read beside it", async () => {
    const seen: string[] = [];
    const onProgress = ({ filesRead, files }: Progress) => seen.push(`${filesRead} of ${files}`);
    const with_ = folder("progress", { "model.safetensors": pattern(10), "config.json": CONFIG });
    for (const file of (await resolve(join(with_, "model.safetensors"), { onProgress })).files) {
      await (await file.open()).close?.();
    }
    expect([...new Set(seen)]).toEqual(["0 of 0", "0 of 1", "1 of 1"]);
  });

  it("that looks like a path is never taken for a repo", async () => {
    const error = await failure(resolve("org/absent.gguf"), "not-found");
    expect(error.message).toContain("hf://");
  });

  it("may be named below the home folder", async () => {
    vi.stubEnv("HOME", root);
    try {
      expect(paths(await resolve("~/single/m.gguf"))).toEqual(["m.gguf"]);
      await failure(resolve("~/single/absent.gguf"), "not-found");
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it("is closed once, however often it is asked to", async () => {
    const path = join(folder("closing", { "m.gguf": pattern(100) }), "m.gguf");
    const source = await openFile(startSession(sourceOptions()), path, "m.gguf");
    await source.close?.();
    writeFileSync(path, pattern(101));
    await expect(source.close?.()).resolves.toBeUndefined();
    await failure(source.read(0, 10), "unreadable");
  });

  it.each([
    ["no error of the file system", "odd", "unreadable", "(unknown)"],
    ["a failing disk", Object.assign(new Error("i/o"), { code: "EIO" }), "unreadable", "(EIO)"],
    ["a folder", Object.assign(new Error("read"), { code: "EISDIR" }), "not-a-file", "is a directory"],
  ])("that fails for %s says so", (_, cause, code, says) => {
    const error = fileError("there/m.gguf", cause);
    expect(error).toMatchObject({ code, cause, where: { source: "there/m.gguf" } });
    expect(error.message).toContain(says);
  });

  it("X-13 must be a regular file", async () => {
    const special = folder("special", { "x.txt": "" });
    execFileSync("mkfifo", [join(special, "pipe.gguf")]);
    symlinkSync("/dev/zero", join(special, "zero.gguf"));
    symlinkSync("loop.gguf", join(special, "loop.gguf"));
    await failure(resolve(join(special, "pipe.gguf")), "not-a-file");
    await failure(resolve(join(special, "zero.gguf")), "not-a-file");
    await failure(resolve(join(special, "loop.gguf")), "unreadable");
    await failure(resolve(special), "no-model");
    const session = startSession(sourceOptions());
    expect((await failure(openFile(session, special, "m.gguf"), "not-a-file")).message).toContain("a directory");
  });

  it.skipIf(process.getuid?.() === 0)("must be readable", async () => {
    const path = join(folder("locked", { "m.gguf": gguf }), "m.gguf");
    chmodSync(path, 0o000);
    await failure(resolve(path), "unreadable");
  });

  it("X-14 must not change while it is read", async () => {
    const path = join(
      folder("moving", { "a.gguf": pattern(100_000), "b.gguf": pattern(100_000), "c.gguf": pattern(100_000) }),
      "a.gguf",
    );
    const open = async (name: string) => (await resolve(path.replace("a.gguf", name))).files[0]!.open();
    const [grown, touched, shrunk] = await Promise.all([open("a.gguf"), open("b.gguf"), open("c.gguf")]);
    writeFileSync(path, pattern(100_001));
    utimesSync(path.replace("a.gguf", "b.gguf"), 1, 1);
    truncateSync(path.replace("a.gguf", "c.gguf"), 10);
    await failure(grown.close?.() ?? Promise.resolve(), "source-changed");
    await failure(touched.close?.() ?? Promise.resolve(), "source-changed");
    await failure(shrunk.read(0, 100), "truncated");
    await failure(shrunk.close?.() ?? Promise.resolve(), "source-changed");
  });

  it("heeds an abort with the caller's reason", async () => {
    const source = await (await resolve(join(dir, "m.gguf"))).files[0]!.open();
    const caller = new AbortController();
    caller.abort("stop");
    await expect(source.read(0, 10, caller.signal)).rejects.toBe("stop");
    await expect(takeStream(source, 10, caller.signal)).rejects.toBe("stop");
    await source.close?.();
    await expect(resolve(join(dir, "m.gguf"), { signal: caller.signal })).rejects.toBe("stop");
  });
});

describe("a directory", () => {
  const A = "model-00001-of-00002.safetensors";
  const B = "model-00002-of-00002.safetensors";

  it("is read by its index, with consolidated copies left out", async () => {
    const path = folder("indexed", {
      "model.safetensors.index.json": index(A, B),
      [A]: "a",
      [B]: "b",
      "consolidated.safetensors": "c",
      "config.json": CONFIG,
      "._model.safetensors": "x",
    });
    for (const named of [path, join(path, A), join(path, "model.safetensors.index.json")])
      expect(paths(await resolve(named))).toEqual([A, B]);
    expect(await resolve(path)).toMatchObject({
      kind: "directory",
      id: path,
      index: { files: expect.arrayContaining([expect.stringMatching(/safetensors$/)]) },
      config: { text: CONFIG },
    });
    await failure(resolve(join(path, "config.json")), "invalid-source");
  });

  it("that lacks a shard is refused with its name", async () => {
    const path = folder("lacking", { "model.safetensors.index.json": index(A, B), [A]: "a" });
    expect((await failure(resolve(path), "missing-shard")).message).toContain(
      `1 of 2 files of the set are missing from ${path}: ${B}`,
    );
    await failure(resolve(join(path, A)), "missing-shard");
  });

  it("with several quantizations takes the default or the one named after a colon", async () => {
    const path = folder("quants", { "m-Q8_0.gguf": gguf, "m-Q2_K.gguf": gguf });
    expect(await resolve(path)).toMatchObject({
      format: "gguf",
      files: [{ path: "m-Q8_0.gguf" }],
      diagnostics: [{ code: "not-counted" }],
    });
    expect(paths(await resolve(`${path}:Q2_K`))).toEqual(["m-Q2_K.gguf"]);
    await failure(resolve(`${path}:Q4_0`), "quant-not-found");
  });

  it("names the projector beside the model, but none that a link leads out to", async () => {
    const dir = folder("seeing", { "m-Q4_K_M.gguf": gguf, "mmproj-F16.gguf": gguf });
    const source = join(dir, "mmproj-F16.gguf");
    const companions = [{ role: "projector", path: "mmproj-F16.gguf", source }];
    expect((await resolve(dir)).companions).toEqual(companions);
    expect((await resolve(join(dir, "m-Q4_K_M.gguf"))).companions).toEqual(companions);
    expect(paths(await resolve(source))).toEqual(["mmproj-F16.gguf"]);
    symlinkSync(source, join(folder("linked-seeing", { "m.gguf": gguf }), "mmproj-F16.gguf"));
    expect((await resolve(join(root, "linked-seeing"))).companions).toEqual([]);
  });

  it("without weights says what it holds", async () => {
    const path = folder("pickle", { "pytorch_model.bin": "x", "config.json": CONFIG });
    expect((await failure(resolve(path), "no-model")).message).toContain("pickle");
  });

  it("X-13 is not left through a link, unless the linked file is named itself", async () => {
    const outside = folder("outside", { "real.gguf": gguf });
    const path = folder("linked", { "x.txt": "" });
    symlinkSync(join(outside, "real.gguf"), join(path, "m.gguf"));
    await failure(resolve(path), "unsafe-path");
    expect((await (await resolve(join(path, "m.gguf"))).files[0]!.open()).size).toBe(12);
  });
});

describe("the Hugging Face cache", () => {
  const cacheDir = join(root, "hub");
  const repo = folder("hub/models--org--name", {
    "refs/main": `${COMMIT}\n`,
    "blobs/one": "weights",
    "blobs/two": CONFIG,
  });
  const snapshot = join(repo, "snapshots", COMMIT);
  mkdirSync(snapshot, { recursive: true });
  symlinkSync("../../blobs/one", join(snapshot, "model.safetensors"));
  symlinkSync("../../blobs/two", join(snapshot, "config.json"));
  const offline = { offline: true, cacheDir };

  it("gives a repo offline, at the commit its ref names", async () => {
    const resolved = await resolve("org/name", offline);
    expect(resolved).toMatchObject({
      kind: "hub",
      id: "org/name",
      revision: "main",
      commit: COMMIT,
      config: { text: CONFIG },
    });
    expect((await resolved.files[0]!.open()).size).toBe(7);
    expect(await resolve(`org/name@${COMMIT}`, offline)).toMatchObject({ commit: COMMIT });
  });

  it("is read by the path of a repo or a snapshot", async () => {
    expect(await resolve(repo)).toMatchObject({
      kind: "directory",
      commit: COMMIT,
      files: [{ path: "model.safetensors" }],
    });
    expect(paths(await resolve(snapshot))).toEqual(["model.safetensors"]);
    expect((await resolve(join(snapshot, "model.safetensors"))).config?.text).toBe(CONFIG);
    const link = join(root, "link-to-snapshot");
    symlinkSync(snapshot, link);
    expect(paths(await resolve(link))).toEqual(["model.safetensors"]);
    expect((await resolve(join(link, "model.safetensors"))).config?.text).toBe(CONFIG);
  });

  it("X-13 does not let a link out of its blobs", async () => {
    const bad = folder("hub/models--org--bad", { "refs/main": COMMIT, "blobs/one": "x" });
    mkdirSync(join(bad, "snapshots", COMMIT), { recursive: true });
    symlinkSync(join(root, "outside", "real.gguf"), join(bad, "snapshots", COMMIT, "m.gguf"));
    await failure(resolve("org/bad", offline), "unsafe-path");
  });

  it.each([
    ["org/absent", offline, "models--org--absent"],
    ["org/name@v9", offline, "refs/v9"],
    ["org/name@refs/pr/3", offline, "refs/refs/pr/3"],
    ["hf://org/name/other.gguf", offline, "other.gguf"],
    ["org/name", { offline: true }, "cacheDir"],
  ])("names what is missing of %s", async (text, given, says) => {
    expect((await failure(resolve(text, given), "offline")).message).toContain(says);
  });

  it("tells a file the hub is known not to have from one that is only not cached", async () => {
    folder(`hub/models--org--name/.no_exist/${COMMIT}/sub`, { "gone.gguf": "" });
    const error = await failure(resolve("hf://org/name/sub/gone.gguf", offline), "entry-not-found");
    expect(error.message).toContain("as the hub said");
    await failure(resolve("hf://org/name/sub/other.gguf", offline), "offline");
  });

  it("checks a partial download of safetensors against its index", async () => {
    const snapshotOf = `hub/models--org--partial/snapshots/${COMMIT}`;
    folder("hub/models--org--partial", { "refs/main": COMMIT });
    folder(snapshotOf, {
      "model.safetensors.index.json": index("a.safetensors", "b.safetensors"),
      "a.safetensors": "x",
    });
    const error = await failure(resolve("org/partial", offline), "offline");
    expect(error.message).toContain("b.safetensors");
  });

  it("without a ref main takes the first ref that names a commit", async () => {
    const other = folder("hub/models--org--untold", { "refs/a": "no commit", "refs/z": COMMIT, "refs/v2": COMMIT });
    folder(`hub/models--org--untold/snapshots/${COMMIT}`, { "sub/m.gguf": gguf });
    const resolved = await resolve("org/untold", offline);
    expect(resolved).toMatchObject({ revision: "v2", commit: COMMIT, files: [{ path: "sub/m.gguf" }] });
    expect(await resolve(other)).toMatchObject({ revision: "v2", files: [{ path: "sub/m.gguf" }] });
    expect((await failure(resolve("org/untold@a", offline), "offline")).message).toContain("refs/a");
    const bare = folder("hub/models--org--bare", { "snapshots/x.txt": "" });
    expect((await failure(resolve(bare), "no-model")).message).toContain("refs/main");
    await failure(resolve("org/bare", offline), "offline");
  });

  it("names its quantizations as files of the repo that it caches", async () => {
    folder("hub/models--org--sets", { "refs/main": COMMIT });
    folder(`hub/models--org--sets/snapshots/${COMMIT}`, { "q/m-Q8_0.gguf": gguf, "q/m-Q4_K_M.gguf": gguf });
    const resolved = await resolve("org/sets", offline);
    expect(resolved).toMatchObject({
      source: `hf://org/sets@${COMMIT}/q/m-Q4_K_M.gguf`,
      siblings: [{ source: `hf://org/sets@${COMMIT}/q/m-Q8_0.gguf` }],
    });
  });

  it("finds a ref with a slash in nested folders", async () => {
    const other = "b".repeat(40);
    folder("hub/models--org--name/refs/refs/pr", { 7: other });
    folder(`hub/models--org--name/snapshots/${other}`, { "m.gguf": gguf });
    expect(await resolve("org/name@refs/pr/7", offline)).toMatchObject({ revision: "refs/pr/7", commit: other });
  });

  it("names the missing shard of a partial download", async () => {
    const part = folder("hub/models--org--part", { "refs/main": COMMIT });
    folder(`hub/models--org--part/snapshots/${COMMIT}`, { "m-Q4_K_M-00001-of-00002.gguf": gguf });
    expect(part).toBeTruthy();
    expect((await failure(resolve("org/part", offline), "offline")).message).toContain("m-Q4_K_M-00002-of-00002.gguf");
  });
});

describe("a folder of LM Studio", () => {
  const home = folder("lmstudio/models/org/name-GGUF", {
    "name-Q4_K_M.gguf": gguf,
    "name-Q8_0.gguf": gguf,
    "mmproj-name-F16.gguf": gguf,
  });

  it("is read by its path, a quantization of it, or a file", async () => {
    expect(paths(await resolve(home))).toEqual(["name-Q4_K_M.gguf"]);
    expect(paths(await resolve(`${home}:Q8_0`))).toEqual(["name-Q8_0.gguf"]);
    const resolved = await resolve(join(home, "name-Q8_0.gguf"));
    expect(resolved).toMatchObject({ kind: "file", format: "gguf" });
    expect(resolved.companions).toMatchObject([{ role: "projector", source: join(home, "mmproj-name-F16.gguf") }]);
  });

  it("above the models says what it holds", async () => {
    await failure(resolve(join(home, "..")), "no-model");
  });
});

it("the User-Agent names the version of the package", async () => {
  const { USER_AGENT } = await import("../../src/source/user-agent.ts");
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  expect(USER_AGENT).toBe(`weighin/${version}`);
});
