import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Limits } from "../../src/limits.ts";
import type { ByteSource } from "../../src/source/byte-source.ts";
import { mapBounded } from "../../src/source/pool.ts";
import { resolveSource } from "../../src/source/resolve.ts";
import type { ResolvedSource, SourceOptions } from "../../src/source/resolved.ts";
import { DEFAULT_COMMIT, type MockHub, startMockHub } from "../hub/mock-hub.ts";
import { expectBytes, failure, pattern, sourceOptions, takeStream, utf8 } from "./reading.ts";

const OTHER_COMMIT = "f".repeat(40);
const MEGABYTE = 1_048_576;
const header = pattern(7 * MEGABYTE);
const CONFIG = '{"model_type":"llama"}';
const shard = (i: number, of: number) =>
  `model-${String(i).padStart(5, "0")}-of-${String(of).padStart(5, "0")}.safetensors`;
const index = (...files: string[]) =>
  utf8(JSON.stringify({ weight_map: Object.fromEntries(files.map((file, i) => [`t${i}`, file])) }));
let hub: MockHub;

beforeAll(async () => {
  hub = await startMockHub({
    tokens: ["hf_member", "hf_granted"],
    grantedTokens: ["hf_granted"],
    pageLength: 2,
    repos: {
      "org/gguf": {
        files: {
          "m-Q8_0.gguf": { size: 4_000 * MEGABYTE, header },
          "m-Q4_K_M.gguf": { size: 2_000 * MEGABYTE, header },
        },
        refs: { "refs/pr/1": OTHER_COMMIT, v2: OTHER_COMMIT },
      },
      "org/sharded": {
        files: {
          "config.json": utf8(CONFIG),
          "model.safetensors.index.json": index(shard(1, 3), shard(2, 3), shard(3, 3)),
          "consolidated.safetensors": pattern(10),
          [shard(1, 3)]: pattern(200_000),
          [shard(2, 3)]: pattern(50_000),
          [shard(3, 3)]: pattern(50_000),
        },
      },
      "org/traversal": {
        files: {
          "a.safetensors": pattern(10),
          "b.safetensors": pattern(10),
          "model.safetensors.index.json": index("../../org/gguf/resolve/main/x.safetensors"),
        },
      },
      "org/indexed": {
        files: {
          "model.safetensors.index.json": index("x.safetensors", "y.safetensors"),
          "x.safetensors": pattern(10),
          "y.safetensors": pattern(20),
        },
      },
      "org/incomplete": {
        files: { "model.safetensors.index.json": index(shard(1, 2), shard(2, 2)), [shard(1, 2)]: pattern(10) },
      },
      "org/pickle": { files: { "pytorch_model.bin": pattern(10), "config.json": utf8(CONFIG) } },
      "org/odd names": { files: {} },
      "org/odd": { files: { "sub dir/ü #1?.gguf": pattern(1_000) } },
      "org/large": {
        files: { "a.txt": utf8("a"), "b.txt": utf8("b"), "model.safetensors": pattern(1_000) },
        omitSiblings: true,
      },
      "org/seeing": {
        files: { "m-Q4_K_M.gguf": { size: 4_000 * MEGABYTE, header }, "mmproj m-F16.gguf": pattern(1_000) },
      },
      gpt2: { files: { "model.safetensors": pattern(77), "config.json": utf8(CONFIG) } },
      "org/old": { files: {}, movedTo: "org/gguf" },
      "org/gated": { files: { "model.safetensors": pattern(10) }, gated: "manual" },
      "org/private": { files: { "model.safetensors": pattern(10) }, private: true },
      "org/disabled": { files: { "model.safetensors": pattern(10) }, disabled: true },
      "org/hundred": {
        files: Object.fromEntries(Array.from({ length: 100 }, (_, i) => [shard(i + 1, 100), pattern(500)])),
      },
    },
  });
});
afterEach(() => hub.reset());
afterAll(() => hub.close());

type Given = Partial<Omit<SourceOptions, "limits">> & { limits?: Partial<Limits> };
const resolve = (text: string, given: Given = {}) =>
  resolveSource(text, sourceOptions({ endpoint: hub.url, ...given }), undefined);
const openAll = async (resolved: ResolvedSource) => {
  for (const file of resolved.files) await (await file.open()).close?.();
};
const paths = (resolved: ResolvedSource) => resolved.files.map(({ path }) => path);
const hubPaths = () => hub.stats.list.filter(({ origin }) => origin === "hub").map(({ path }) => path);

describe("a repo with a projector", () => {
  it("names it as a file of the same commit, without a request", async () => {
    const { companions = [] } = await resolve("org/seeing");
    expect(hub.stats.list.length).toBe(1);
    const source = `hf://org/seeing@${DEFAULT_COMMIT}/mmproj%20m-F16.gguf`;
    expect(companions).toEqual([{ role: "projector", path: "mmproj m-F16.gguf", source }]);
    const projector = await resolve(source);
    expect(paths(projector)).toEqual(["mmproj m-F16.gguf"]);
    // It is being opened already; an answer still under way would be counted in the next test.
    await openAll(projector);
  });
});

describe("a repo on the hub", () => {
  it("with GGUF takes two logical reads: the listing, and the header while it streams", async () => {
    const resolved = await resolve("org/gguf");
    expect(resolved).toMatchObject({
      kind: "hub",
      id: "org/gguf",
      revision: "main",
      commit: DEFAULT_COMMIT,
      format: "gguf",
    });
    expect(paths(resolved)).toEqual(["m-Q4_K_M.gguf"]);
    const source = await resolved.files[0]!.open();
    expect(source).toMatchObject({ size: 2_000 * MEGABYTE, label: "org/gguf/m-Q4_K_M.gguf" });
    expect(source.version?.()).toBe(DEFAULT_COMMIT);
    expectBytes(await takeStream(source, header.byteLength), header);
    await source.close?.();
    expect(resolved.traffic.requests).toBe(2);
    expect(resolved.traffic.bytesRead).toBeLessThan(header.byteLength * 1.01);
    expect([hub.stats.hubRequests, hub.stats.cdnRequests]).toEqual([2, 1]);
  });

  it("named as a file is opened while the repo is being listed", async () => {
    hub.reset();
    let opened = false;
    hub.fault = ({ path }) => {
      opened ||= path.includes("/resolve/");
      return undefined;
    };
    const waiting: typeof fetch = async (...asked) => {
      const answer = await fetch(...asked);
      // The listing's answer is held back until the file has been asked for.
      for (let turn = 0; !opened && turn < 200; turn++) await new Promise((resolve) => setTimeout(resolve, 5));
      return answer;
    };
    const resolved = await resolveSource(
      "hf://org/gguf/m-Q8_0.gguf",
      sourceOptions({ endpoint: hub.url, fetch: waiting }),
      undefined,
    );
    const source = await resolved.files[0]?.open();
    expect(opened).toBe(true);
    expect(resolved.traffic.requests).toBe(2);
    expectBytes(await takeStream(source as ByteSource, 1_000), header.subarray(0, 1_000));
    await source?.close?.();
  });

  it("named as a file is read again where its branch has moved since, at the listed commit", async () => {
    hub.reset();
    hub.fault = ({ path }) =>
      path.includes("/resolve/main/")
        ? { status: 200, headers: { "x-repo-commit": OTHER_COMMIT }, body: "another" }
        : undefined;
    const resolved = await resolveSource("hf://org/gguf/m-Q8_0.gguf", sourceOptions({ endpoint: hub.url }), undefined);
    const source = await resolved.files[0]?.open();
    expect(source?.size).toBe(4_000 * MEGABYTE);
    expectBytes(await takeStream(source as ByteSource, 1_000), header.subarray(0, 1_000));
    await source?.close?.();
  });

  it("reads little more than the header over a slow line", async () => {
    const paced = await startMockHub({
      bytesPerSecond: 40 * MEGABYTE,
      repos: { "org/gguf": { files: { "m.gguf": { size: 2_000 * MEGABYTE, header } } } },
    });
    try {
      const resolved = await resolve("org/gguf", { endpoint: paced.url });
      const source = await resolved.files[0]!.open();
      await takeStream(source, header.byteLength);
      await source.close?.();
      await new Promise((done) => setTimeout(done, 30));
      expect(paced.stats.bodyBytes).toBeLessThan(header.byteLength * 1.05);
    } finally {
      await paced.close();
    }
  });

  it("with safetensors shards takes one request each, one for the listing and one for config.json", async () => {
    const resolved = await resolve("org/sharded");
    expect(paths(resolved)).toEqual([shard(1, 3), shard(2, 3), shard(3, 3)]);
    expect(resolved.config).toEqual({ path: "config.json", text: CONFIG });
    expect(resolved.index).toBeUndefined();
    await openAll(resolved);
    expect(resolved.traffic.requests).toBe(5);
    expect(hub.stats.list.filter(({ origin }) => origin === "cdn").map(({ range }) => range)).toEqual(
      Array(3).fill("bytes=0-102399"),
    );
  });

  it("is asked for its first shard on the connection that the listing has left", async () => {
    const order: string[] = [];
    const noting: typeof fetch = (...asked) => {
      order.push(String(asked[0]).replace(/^.*\//, "").replace(/\?.*/, ""));
      return fetch(...asked);
    };
    const resolved = await resolveSource("org/sharded", sourceOptions({ endpoint: hub.url, fetch: noting }), undefined);
    for (const file of resolved.files) await (await file.open()).close?.();
    expect(order.slice(0, 2)).toEqual(["main", shard(1, 3)]);
    expect(order).toContain("config.json");
  });

  it("is read at one commit throughout", async () => {
    await openAll(await resolve("org/sharded"));
    const resolves = hubPaths().filter((path) => path.includes("/resolve/"));
    expect(resolves).toHaveLength(4);
    expect(resolves.every((path) => path.includes(`/resolve/${DEFAULT_COMMIT}/`))).toBe(true);
  });

  it("fetches config.json while the first shards are being opened", async () => {
    let tell = () => {};
    const asked = new Promise<void>((done) => {
      tell = done;
    });
    // Had the shards to wait for config.json, neither would ever come.
    const fetch: typeof globalThis.fetch = async (input, init) => {
      if (String(input).endsWith(shard(1, 3))) tell();
      if (String(input).endsWith("config.json")) await asked;
      return globalThis.fetch(input, init);
    };
    await openAll(await resolve("org/sharded", { fetch }));
    expect(hubPaths().filter((path) => path.includes("/resolve/"))).toHaveLength(4);
  });

  it("is called as it was asked for where the listing names it by no id", async () => {
    const siblings = [{ rfilename: "m.gguf" }];
    hub.fault = () => ({ status: 200, body: JSON.stringify({ sha: DEFAULT_COMMIT, siblings }) });
    expect(await resolve("org/unnamed@refs/convert/gguf")).toMatchObject({
      id: "org/unnamed",
      revision: "refs/convert/gguf",
      files: [{ path: "m.gguf" }],
    });
  });

  it("with files that only an index names is read by it", async () => {
    const resolved = await resolve("org/indexed");
    expect(resolved.index?.files).toEqual(["x.safetensors", "y.safetensors"]);
    expect(resolved.config).toBeUndefined();
    expect((await resolved.files[1]!.open()).size).toBe(20);
  });

  it("answers to its old name with its new one", async () => {
    expect((await resolve("org/old")).id).toBe("org/gguf");
    expect(hub.stats.list.map(({ path }) => path.split("?")[0])).toEqual([
      "/api/models/org/old/revision/main",
      "/api/models/org/gguf/revision/main",
    ]);
  });

  it("may be named with quantization, revision, page or path", async () => {
    expect(paths(await resolve("org/gguf:Q8_0"))).toEqual(["m-Q8_0.gguf"]);
    expect(await resolve("org/gguf:Q8_0@refs/pr/1")).toMatchObject({ revision: "refs/pr/1", commit: OTHER_COMMIT });
    expect(await resolve("org/gguf", { revision: "v2" })).toMatchObject({ revision: "v2", commit: OTHER_COMMIT });
    expect(paths(await resolve(`${hub.url}/org/gguf/blob/v2/m-Q8_0.gguf`))).toEqual(["m-Q8_0.gguf"]);
    expect(paths(await resolve("hf://org/gguf/m-Q8_0.gguf"))).toEqual(["m-Q8_0.gguf"]);
    expect(hubPaths()).toContain("/api/models/org/gguf/revision/refs%2Fpr%2F1?blobs=true");
    expect(paths(await resolve("org/gguf:m-Q8_0.gguf"))).toEqual(["m-Q8_0.gguf"]);
    expect(paths(await resolve(`${new URL(hub.url).host}/org/gguf:Q8_0`))).toEqual(["m-Q8_0.gguf"]);
    const pullRequest = await resolve("org/gguf@refs/pr/1");
    expect((await pullRequest.files[0]!.open()).version?.()).toBe(OTHER_COMMIT);
    await failure(resolve("org/gguf@v2", { revision: "main" }), "invalid-option");
    await failure(resolve("org/gguf", { revision: "../x" }), "invalid-option");
  });

  it("may be an old one without owner", async () => {
    for (const form of ["gpt2", `${hub.url}/gpt2/tree/main`]) {
      const resolved = await resolve(form);
      expect(resolved).toMatchObject({ id: "gpt2", config: { text: CONFIG } });
      expect((await resolved.files[0]!.open()).size).toBe(77);
    }
  });

  it("may hold paths with spaces, # and ?", async () => {
    const resolved = await resolve("org/odd");
    expect((await resolved.files[0]!.open()).size).toBe(1_000);
  });

  it("too large for one answer is listed page by page, the token staying home", async () => {
    expect(paths(await resolve("org/large", { token: "hf_member" }))).toEqual(["model.safetensors"]);
    expect(hubPaths().filter((path) => path.includes("/tree/"))).toHaveLength(2);
  });

  it("works behind a path prefix", async () => {
    const mirror = await startMockHub({
      prefix: "/mirror",
      repos: { "org/gguf": { files: { "m.gguf": pattern(100), "config.json": utf8(CONFIG) } } },
    });
    try {
      const resolved = await resolve("org/gguf", { endpoint: mirror.url });
      expect((await resolved.files[0]!.open()).size).toBe(100);
    } finally {
      await mirror.close();
    }
  });

  it("is asked of a mirror that passes on the public hub's redirects, the token with it", async () => {
    const mirror = await startMockHub({
      prefix: "/mirror",
      tokens: ["hf_member"],
      repos: { "org/gguf": { files: { "m.gguf": pattern(100) } }, "org/old": { files: {} } },
    });
    try {
      const location = "https://huggingface.co/api/models/org/gguf/revision/main?blobs=true";
      mirror.fault = ({ path }) => (path.includes("org/old") ? { status: 307, headers: { location } } : undefined);
      const resolved = await resolve("org/old", { endpoint: mirror.url, token: "hf_member" });
      expect(resolved.id).toBe("org/gguf");
      expect(mirror.stats.list.map(({ path, authorization }) => `${path} ${authorization}`)).toEqual([
        "/mirror/api/models/org/old/revision/main?blobs=true Bearer hf_member",
        "/mirror/api/models/org/gguf/revision/main?blobs=true Bearer hf_member",
      ]);
      // What a mirror sends on under its own address it does not have: the public hub is asked, without the token.
      const asked: string[] = [];
      const fetch: typeof globalThis.fetch = async (input, init) => {
        asked.push(`${new URL(String(input)).host} ${new Headers(init?.headers).get("authorization")}`);
        const itself = "https://huggingface.co/api/models/org/gguf/revision/main?blobs=true";
        return asked.length === 1
          ? new Response(null, { status: 308, headers: { location: itself } })
          : new Response(null, { status: 404 });
      };
      await failure(resolve("org/gguf", { endpoint: mirror.url, token: "hf_member", fetch }), "repo-not-found");
      expect(asked).toEqual([`${new URL(mirror.url).host} Bearer hf_member`, "huggingface.co null"]);
    } finally {
      await mirror.close();
    }
  });

  it("is read the same where fetch follows redirects itself, as in browsers", async () => {
    const resolved = await resolve("org/gated", { token: "hf_granted", redirects: "follow" });
    expect((await resolved.files[0]!.open()).size).toBe(10);
    expect(hub.stats.list.at(-1)).toMatchObject({ origin: "cdn", authorization: undefined, range: "bytes=0-102399" });
  });

  it("gets the token at its endpoint and nowhere else", async () => {
    await openAll(await resolve("org/gated", { token: "hf_granted" }));
    expect(hub.stats.list.map(({ origin, authorization }) => `${origin} ${authorization}`)).toEqual([
      "hub Bearer hf_granted",
      "hub Bearer hf_granted",
      "cdn undefined",
    ]);
  });
});

describe("what can go wrong with a repo", () => {
  it.each<[string, Given, string, string]>([
    ["org/absent", {}, "repo-not-found", "Pass a token"],
    ["absent", {}, "repo-not-found", "does not exist"],
    ["org/private", {}, "repo-not-found", "private"],
    ["org/absent", { token: "hf_member" }, "repo-not-found", "token given"],
    ["org/gated", {}, "gated", "pass a token"],
    ["org/gated", { token: "hf_member" }, "gated", "not granted"],
    ["org/gguf", { token: "hf_wrong" }, "unauthorized", "not accepted"],
    ["org/disabled", {}, "forbidden", "disabled"],
    ["org/gguf@absent", {}, "revision-not-found", "revision"],
    ["hf://org/gguf/absent.gguf", {}, "entry-not-found", "m-Q4_K_M.gguf"],
    ["org/gguf:IQ1_S", {}, "quant-not-found", "Q4_K_M (2,097,152,000 bytes)"],
    ["org/pickle", {}, "no-model", "pickle"],
    ["org/incomplete", {}, "missing-shard", shard(2, 2)],
    ["org/traversal", {}, "unsafe-path", "stay inside"],
    ["datasets/name", {}, "invalid-source", "datasets"],
    ["org/gguf", { offline: true }, "offline", "offline"],
    ["./org/gguf", {}, "invalid-source", "no file system"],
  ])("%s with %j fails with %s", async (text, given, code, says) => {
    const error = await failure(resolve(text, given).then(openAll), code as never);
    expect(error.message).toContain(says);
    expect(`${error.message} ${JSON.stringify(error)} ${String(error.cause)}`).not.toMatch(/hf_member|hf_wrong/);
  });

  it("names the server's own id of the request", async () => {
    expect((await failure(resolve("org/absent"), "repo-not-found")).where).toEqual({
      source: "org/absent",
      status: 401,
      requestId: "mock-request-1",
    });
  });

  it("is an answer that is no listing", async () => {
    hub.fault = () => ({ status: 200, body: "<html>portal</html>" });
    await failure(resolve("org/gguf"), "invalid-json");
    hub.fault = () => ({ status: 200, body: '{"sha":"main"}' });
    await failure(resolve("org/gguf"), "invalid-json");
    hub.fault = () => ({ status: 200, body: "[]" });
    expect((await failure(resolve("org/gguf"), "invalid-json")).message).toContain("names no commit");
  });

  it("is a listing of many pages that comes back to one, or never ends", async () => {
    const next = (page: number) => ({ link: `<${hub.url}/api/models/org/large/tree/x?page=${page}>; rel="next"` });
    const page = (number: number) => ({ status: 200, headers: next(number), body: "[]" });
    hub.fault = ({ path }) => (path.includes("/tree/") ? page(1) : undefined);
    const error = await failure(resolve("org/large"), "invalid-json");
    expect(error.message).toContain("comes back to a page");
    expect(hubPaths().filter((path) => path.includes("/tree/"))).toHaveLength(2);
    let pages = 0;
    hub.fault = ({ path }) => (path.includes("/tree/") ? page(++pages) : undefined);
    expect((await failure(resolve("org/large"), "invalid-json")).message).toContain("more than 1000 pages");
    expect(pages).toBe(1_000);
  });

  it("is a page of a listing that leads nowhere, or lists nothing: what came before counts", async () => {
    const entries = [{ type: "directory", path: "a.gguf" }, 7, { path: 7 }, { path: "m.gguf", size: -1 }];
    for (const link of ["<https://elsewhere.example/list>; rel=next", "<http://[>; rel=next"]) {
      hub.fault = ({ path }) =>
        path.includes("/tree/") ? { status: 200, headers: { link }, body: JSON.stringify(entries) } : undefined;
      const resolved = await resolve("org/large");
      expect(paths(resolved)).toEqual(["m.gguf"]);
    }
    hub.fault = ({ path }) => (path.includes("/tree/") ? { status: 200, body: '{"path":"m.gguf"}' } : undefined);
    await failure(resolve("org/large"), "no-model");
  });

  it("is a listing with paths that lead elsewhere", async () => {
    const siblings = [{ rfilename: "../../org/gguf/resolve/main/model.safetensors" }, { rfilename: "x/../model.gguf" }];
    hub.fault = () => ({ status: 200, body: JSON.stringify({ id: "org/name", sha: DEFAULT_COMMIT, siblings }) });
    await failure(resolve("org/name"), "unsafe-path");
  });

  it("is a listing that renames itself to no repo id", async () => {
    hub.fault = () => ({
      status: 200,
      body: JSON.stringify({ id: "../../x", sha: DEFAULT_COMMIT, siblings: [{ rfilename: "m.gguf" }] }),
    });
    await failure(resolve("org/name"), "invalid-json");
  });

  it("is a file that differs from the listed size", async () => {
    const body = JSON.stringify({
      id: "org/odd",
      sha: DEFAULT_COMMIT,
      siblings: [{ rfilename: "sub dir/ü #1?.gguf", size: 999 }],
    });
    hub.fault = ({ path }) => (path.startsWith("/api/") ? { status: 200, body } : undefined);
    await failure(resolve("org/odd").then(openAll), "source-changed");
  });

  it("is a file that answers for another commit", async () => {
    const resolved = await resolve("org/gguf");
    hub.repos.get("org/gguf")!.commit = OTHER_COMMIT;
    hub.repos.get("org/gguf")!.refs = { [DEFAULT_COMMIT]: OTHER_COMMIT };
    try {
      await failure(openAll(resolved), "source-changed");
    } finally {
      delete hub.repos.get("org/gguf")!.commit;
      hub.repos.get("org/gguf")!.refs = { "refs/pr/1": OTHER_COMMIT, v2: OTHER_COMMIT };
    }
  });
});

describe("a hundred shards", () => {
  it("are read at most eight at once, and one failure stops the rest", async () => {
    const resolved = await resolve("org/hundred");
    let atOnce = 0;
    let most = 0;
    const read = await mapBounded(resolved.files, 8, undefined, async (file, _index, signal) => {
      atOnce += 1;
      most = Math.max(most, atOnce);
      const source = await file.open(signal);
      await takeStream(source, 500, signal);
      await source.close?.();
      atOnce -= 1;
      return file.path;
    });
    expect(read).toEqual(paths(resolved));
    expect(most).toBe(8);

    hub.reset();
    hub.fault = ({ path }) =>
      path.includes("model-00003-") ? { status: 404, headers: { "x-error-code": "EntryNotFound" } } : undefined;
    const again = await resolve("org/hundred");
    const reading = mapBounded(again.files, 8, undefined, async (file, _index, signal) =>
      takeStream(await file.open(signal), 500, signal),
    );
    await failure(reading, "entry-not-found");
    expect(hub.stats.cdnRequests).toBeLessThan(30);
  });
});
