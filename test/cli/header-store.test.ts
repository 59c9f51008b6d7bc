import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cacheDirectory } from "../../src/cli/cache-directory.ts";
import { openHeaderStore } from "../../src/cli/header-store.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "weighin-store-"));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const open = (version = "1.0.0") => openHeaderStore(directory, version);

function files(): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

async function textOf(key: string, version?: string): Promise<string | undefined> {
  const content = await open(version).get(key);
  return content && new TextDecoder().decode(content);
}

describe("headers kept on disk", () => {
  it("come back as they were put in, to the program of the same version", async () => {
    await open().set("key", bytes("content"));
    expect(await textOf("key")).toBe("content");
    expect(await textOf("other key")).toBeUndefined();
    expect(await textOf("key", "1.0.1")).toBeUndefined();
  });

  it.each([
    ["cut short", (file: Buffer) => file.subarray(0, -1)],
    ["longer", (file: Buffer) => Buffer.concat([file, Buffer.from("x")])],
    [
      "with a bit turned",
      (file: Buffer) => Buffer.concat([file.subarray(0, -1), Buffer.from([(file.at(-1) ?? 0) ^ 1])]),
    ],
    ["with another checksum", (file: Buffer) => Buffer.from(file.fill(0, 26, 27))],
    ["empty", () => Buffer.alloc(0)],
    ["of something else", () => Buffer.from("not one of ours, though it is as long as one would be, or longer")],
  ])("are missing when the file is %s", async (_, damage) => {
    await open().set("key", bytes("content"));
    const [file = ""] = files();
    writeFileSync(file, damage(readFileSync(file)));
    expect(await textOf("key")).toBeUndefined();
    await open().set("key", bytes("content"));
    expect(await textOf("key")).toBe("content");
  });

  it("are whole, whoever writes at the same time", async () => {
    const contents = Array.from({ length: 30 }, (_, index) => String(index).repeat(50_000));
    const reads = contents.map(async (content) => {
      await open().set("key", bytes(content));
      return textOf("key");
    });
    for (const read of await Promise.all(reads)) expect(contents).toContain(read);
    expect(files()).toHaveLength(1);
  });

  it("are deleted when the folder grows too large, those unused the longest first", async () => {
    const store = openHeaderStore(directory, "1.0.0", { largestBytes: 3_500, prunedBytes: 2_500 });
    for (const key of ["a", "b", "c"]) {
      await store.set(key, new Uint8Array(1_000));
      for (const file of files()) utimesSync(file, new Date(0), new Date(0));
    }
    await store.get("a");
    await store.set("d", new Uint8Array(1_000));
    await store.prune();
    const kept = await Promise.all(["a", "b", "c", "d"].map((key) => store.get(key)));
    expect(kept.map((content) => content !== undefined)).toEqual([true, false, false, true]);
  });

  it("are not looked through when nothing was added", async () => {
    const store = openHeaderStore(directory, "1.0.0", { largestBytes: 1, prunedBytes: 0 });
    await open().set("key", bytes("content"));
    await store.prune();
    expect(files()).toHaveLength(1);
  });

  it("leave no file aside of a run that was killed", async () => {
    const store = open();
    await store.set("key", bytes("content"));
    const left = `${files()[0]}.1.abc.tmp`;
    writeFileSync(left, "half");
    utimesSync(left, new Date(0), new Date(0));
    await store.prune();
    expect(files().filter((file) => file.endsWith(".tmp"))).toEqual([]);
    expect(await textOf("key")).toBe("content");
  });
});

describe("the folder for headers", () => {
  it.each([
    [{ WEIGHIN_CACHE: "/own", XDG_CACHE_HOME: "/xdg" }, "linux", "/own"],
    [{ XDG_CACHE_HOME: "/xdg" }, "linux", "/xdg/weighin"],
    [{ XDG_CACHE_HOME: "/xdg" }, "darwin", "/xdg/weighin"],
    [{}, "linux", "/home/me/.cache/weighin"],
    [{}, "darwin", "/home/me/Library/Caches/weighin"],
    [{ LOCALAPPDATA: "/local" }, "win32", "/local/weighin/Cache"],
    [{ LOCALAPPDATA: "/local" }, "linux", "/home/me/.cache/weighin"],
  ] as const)("by %j on %s is %s", (environment, platform, expected) => {
    expect(cacheDirectory(environment, "/home/me", platform)).toBe(expected);
  });
});
