import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Limits } from "../../src/limits.ts";
import { openHttp } from "../../src/source/http.ts";
import type { SourceOptions } from "../../src/source/resolved.ts";
import { startSession } from "../../src/source/session.ts";
import { type Fault, type MockHub, startMockHub } from "../hub/mock-hub.ts";
import { expectBytes, failure, pattern, sourceOptions, takeStream } from "./reading.ts";

const MEGABYTE = 1_048_576;
const file = pattern(300_000);
const big = { size: 60 * MEGABYTE, header: pattern(MEGABYTE) };
let hub: MockHub;

beforeAll(async () => {
  hub = await startMockHub({
    repos: {
      "org/files": {
        files: {
          "m.gguf": file,
          "big.gguf": big,
          "empty.gguf": new Uint8Array(0),
        },
      },
    },
  });
});
afterEach(() => hub.reset());
afterAll(() => hub.close());

const urlOf = (name: string) => `${hub.cdnUrl}/org/files/${name}?X-Signature=mock`;

async function open(
  name: string,
  given: { firstBytes?: number; expectedBytes?: number; limits?: Partial<Limits> } & Partial<
    Omit<SourceOptions, "limits">
  > = {},
) {
  const { firstBytes = 65_536, expectedBytes, ...options } = given;
  const session = startSession(sourceOptions(options));
  const url = new URL(urlOf(name));
  const target = { url, label: `cdn/${name}`, budget: { left: session.options.limits.requestsPerFile } };
  const source = await openHttp(session, target, {
    firstBytes,
    path: name,
    ...(expectedBytes !== undefined && { expectedBytes }),
  });
  return { source, session };
}

/** Applies `fault` to requests number `from` and later. */
function bend(fault: Fault, from = 1, to = Number.POSITIVE_INFINITY) {
  hub.fault = ({ count }) => (count >= from && count <= to ? fault : undefined);
}

describe("a remote file", () => {
  it("is opened by the request that is also its first read", async () => {
    const { source, session } = await open("m.gguf");
    expect(source.size).toBe(300_000);
    expectBytes(await takeStream(source, 40_000), file.subarray(0, 40_000));
    expect(session.traffic.requests).toBe(1);
    expect(hub.stats.list.map(({ range }) => range)).toEqual(["bytes=0-65535"]);
    await source.close?.();
  });

  it("asks once more for what the first answer left out", async () => {
    const { source, session } = await open("m.gguf");
    expectBytes(await takeStream(source, 150_000), file.subarray(0, 150_000));
    expect(session.traffic.requests).toBe(2);
  });

  it("gives any range, using what has already come", async () => {
    const { source, session } = await open("m.gguf");
    expectBytes(await source.read(0, 8), file.subarray(0, 8));
    expectBytes(await source.read(8, 1_000), file.subarray(8, 1_000));
    expect(session.traffic.requests).toBe(1);
    expectBytes(await source.read(60_000, 70_000), file.subarray(60_000, 70_000));
    expect(hub.stats.list.at(-1)?.range).toBe("bytes=65536-69999");
    expectBytes(await source.read(299_990, 300_000), file.subarray(299_990));
    expectBytes(await takeStream(source, 100_000), file.subarray(0, 100_000));
    await failure(source.read(299_999, 300_001), "truncated");
  });

  it("is read and streamed at once, each from its own answer", async () => {
    const { source, session } = await open("m.gguf");
    const [part, stream] = await Promise.all([source.read(0, 50_000), takeStream(source, 10_000)]);
    expectBytes(part, file.subarray(0, 50_000));
    expectBytes(stream, file.subarray(0, 10_000));
    expect(session.traffic.requests).toBe(2);
  });

  it("counts as read once, however often it is closed", async () => {
    const seen: number[] = [];
    const { source, session } = await open("m.gguf", { onProgress: ({ filesRead }) => seen.push(filesRead) });
    session.addFiles(2);
    await source.close?.();
    await source.close?.();
    expect(seen.at(-1)).toBe(1);
  });

  it("may be empty", async () => {
    const { source } = await open("empty.gguf");
    expect(source.size).toBe(0);
    expect(await takeStream(source, 10)).toHaveLength(0);
  });

  it("identifies itself, asks for plain bytes and sends no credentials", async () => {
    await (await open("m.gguf", { token: "hf_secret" })).source.close?.();
    expect(hub.stats.list[0]?.headers).toMatchObject({ "accept-encoding": "identity", "user-agent": "weighin/0.1.0" });
    expect(hub.stats.list[0]?.authorization).toBeUndefined();
  });

  it("stops downloading when the reader stops", async () => {
    const paced = await startMockHub({
      repos: { "org/files": { files: { "big.gguf": big } } },
      bytesPerSecond: 20 * MEGABYTE,
    });
    try {
      const session = startSession(sourceOptions());
      const url = new URL(`${paced.cdnUrl}/org/files/big.gguf?X-Signature=mock`);
      const source = await openHttp(
        session,
        { url, label: "big", budget: { left: 3 } },
        { firstBytes: big.size, path: "big.gguf" },
      );
      expectBytes(await takeStream(source, MEGABYTE), big.header);
      await source.close?.();
      await new Promise((done) => setTimeout(done, 50));
      expect(session.traffic.requests).toBe(1);
      expect(session.traffic.bytesRead).toBeLessThan(1.1 * MEGABYTE);
      expect(paced.stats.bodyBytes).toBeLessThan(1.25 * MEGABYTE);
    } finally {
      await paced.close();
    }
  });
});

describe("a server that does not do what it is asked", () => {
  it("may send a small file whole", async () => {
    bend({ ignoreRange: true });
    const { source, session } = await open("m.gguf");
    expectBytes(await source.read(200_000, 300_000), file.subarray(200_000));
    expectBytes(await source.read(10, 20), file.subarray(10, 20));
    expect(session.traffic.requests).toBe(1);
  });

  it("may send a big file whole as long as only its beginning is read", async () => {
    bend({ ignoreRange: true });
    const { source, session } = await open("big.gguf");
    expectBytes(await takeStream(source, MEGABYTE), big.header);
    await failure(source.read(50 * MEGABYTE, 50 * MEGABYTE + 8), "range-not-supported");
    expect(session.traffic.bytesRead).toBeLessThan(2 * MEGABYTE);
  });

  it("may cap ranges at its own length", async () => {
    bend({ capBytes: 40_000 });
    const { source } = await open("m.gguf");
    expectBytes(await takeStream(source, 100_000), file.subarray(0, 100_000));
  });

  it.each<[string, Fault]>([
    ["another start", { headers: { "content-range": "bytes 100-65535/300000" } }],
    ["an end beyond the request", { headers: { "content-range": "bytes 0-65536/300000" } }],
    ["a total below the end", { headers: { "content-range": "bytes 0-65535/10" } }],
    ["a compressed part", { headers: { "content-encoding": "gzip" } }],
    ["an unknown total", { headers: { "content-range": "bytes 0-65535/*" } }],
    ["an unreadable Content-Range", { headers: { "content-range": "bytes 0-abc/-5" } }],
  ])("is refused for %s", async (_, fault) => {
    bend(fault);
    await failure(open("m.gguf"), "range-not-supported");
  });

  it("may hide the total when a listing told it", async () => {
    bend({ headers: { "content-range": "bytes 0-65535/*" } });
    expect((await open("m.gguf", { expectedBytes: 300_000 })).source.size).toBe(300_000);
  });

  it("is refused when it sends more than it announced", async () => {
    bend({ extraBytes: 100 });
    const { source } = await open("m.gguf");
    await failure(takeStream(source, 65_600), "range-not-supported");
  });

  it("gets one more chance after a short answer", async () => {
    bend({ cut: { afterBytes: 30_000, ending: "end" } }, 1, 1);
    const { source } = await open("m.gguf");
    expectBytes(await takeStream(source, 50_000), file.subarray(0, 50_000));
    hub.reset();
    bend({ cut: { afterBytes: 10_000, ending: "end" } });
    await failure(takeStream((await open("m.gguf")).source, 50_000), "truncated");
    expect(hub.stats.cdnRequests).toBe(2);
  });

  it("is left alone after the limit of requests", async () => {
    bend({ capBytes: 1_000 });
    const { source } = await open("m.gguf", { limits: { requestsPerFile: 5 } });
    await failure(takeStream(source, 10_000), "limit-exceeded");
    expect(hub.stats.cdnRequests).toBe(5);
  });

  it.each<[string, Fault]>([
    ["total", { headers: { "content-range": "bytes 65536-299999/300001" } }],
    ["tag", { headers: { etag: '"other"' } }],
  ])("is refused when the %s changes between two answers", async (_, fault) => {
    bend(fault, 2);
    const { source } = await open("m.gguf");
    await failure(takeStream(source, 100_000), "source-changed");
  });

  it("is refused when the size is not the listed one", async () => {
    await failure(open("m.gguf", { expectedBytes: 299_999 }), "source-changed");
  });

  it("may send a small file whole where a later part was asked for", async () => {
    bend({ ignoreRange: true }, 2);
    const { source, session } = await open("m.gguf");
    expectBytes(await takeStream(source, 300_000), file);
    expect(session.traffic.requests).toBe(2);
    expectBytes(await source.read(200_000, 200_010), file.subarray(200_000, 200_010));
    hub.reset();
    bend({ ignoreRange: true }, 2);
    const large = (await open("m.gguf", { limits: { unrangedBytes: 299_999 } })).source;
    const error = await failure(takeStream(large, 100_000), "range-not-supported");
    expect(error.message).toContain("the whole file of 300000 bytes");
  });

  it("may send a small file of unknown length whole, and no other", async () => {
    const fetch = async () => new Response(file as BodyInit, { headers: { etag: '"one"' } });
    const { source, session } = await open("m.gguf", { fetch });
    expect([source.size, source.version?.()]).toEqual([300_000, '"one"']);
    expectBytes(await source.read(200_000, 200_010), file.subarray(200_000, 200_010));
    expectBytes(await takeStream(source, 300_000), file);
    expect(session.traffic.requests).toBe(1);
    const limited = open("m.gguf", { fetch, limits: { unrangedBytes: 200_000 } });
    expect((await failure(limited, "range-not-supported")).message).toContain("does not say how long");
  });

  it("is refused when an answer of unknown length ends before the listed size", async () => {
    const fetch = async () => new Response(file.slice(0, 100_000) as BodyInit);
    const { source } = await open("m.gguf", { fetch, expectedBytes: 300_000 });
    expect(source.size).toBe(300_000);
    const error = await failure(source.read(0, 300_000), "range-not-supported");
    expect(error.message).toContain("the whole file of unknown bytes");
  });

  it("may have no body for an empty file", async () => {
    const fetch = async () => new Response(null, { headers: { "content-length": "0" } });
    const { source } = await open("m.gguf", { fetch });
    expect(await takeStream(source, 10)).toHaveLength(0);
    const lying = async () => new Response(null, { headers: { "content-length": "8" } });
    await failure(
      open("m.gguf", { fetch: lying }).then((opened) => opened.source.read(0, 8)),
      "truncated",
    );
  });

  it("is refused for 416 with what it says of the size", async () => {
    bend({ status: 416, headers: { "content-range": "bytes */77" } });
    expect((await failure(open("m.gguf"), "truncated")).message).toContain("77 bytes");
    const fetch = async () => new Response(null, { status: 416 });
    const error = await failure(open("m.gguf", { fetch }), "truncated");
    expect(error.message).toContain("the server says it is shorter");
    expect(error.where).toMatchObject({ offset: 0, status: 416 });
  });

  it("is refused for 416 where it has just given more", async () => {
    bend({ status: 416, headers: { "content-range": "bytes */0" } }, 2);
    const { source } = await open("m.gguf");
    expect((await failure(takeStream(source, 100_000), "truncated")).where.offset).toBe(65_536);
  });
});

describe("failures that may pass", () => {
  it("tries 503 three times", async () => {
    bend({ status: 503 }, 1, 2);
    expect((await open("m.gguf")).source.size).toBe(300_000);
    hub.reset();
    bend({ status: 503, headers: { "x-request-id": "r-1" } });
    const error = await failure(open("m.gguf"), "http-status");
    expect(error.where).toMatchObject({ status: 503, requestId: "r-1" });
    expect(hub.stats.cdnRequests).toBe(3);
  });

  it("tries again after a reset, before and inside the body", async () => {
    hub.fault = ({ count }) =>
      count === 1 ? { reset: true } : count === 2 ? { cut: { afterBytes: 20_000, ending: "reset" } } : undefined;
    const { source } = await open("m.gguf");
    expectBytes(await takeStream(source, 50_000), file.subarray(0, 50_000));
    expect(hub.stats.cdnRequests).toBe(3);
  });

  it("gives up on a body that breaks three times", async () => {
    bend({ cut: { afterBytes: 20_000, ending: "reset" } });
    const { source } = await open("m.gguf");
    await failure(takeStream(source, 100_000), "network");
    expect(hub.stats.cdnRequests).toBe(3);
  });

  it.each<[string, Fault]>([
    ["breaks", { cut: { afterBytes: 30_000, ending: "reset" } }],
    ["ends", { cut: { afterBytes: 30_000, ending: "end" } }],
  ])("asks anew for a part in which the first answer %s", async (_, fault) => {
    bend(fault, 1, 1);
    const { source } = await open("m.gguf");
    expectBytes(await source.read(10, 40_000), file.subarray(10, 40_000));
    expectBytes(await source.read(39_000, 41_000), file.subarray(39_000, 41_000));
    expect(hub.stats.cdnRequests).toBeGreaterThan(1);
  });

  it("does not read past what the first answer announced", async () => {
    bend({ extraBytes: 100 });
    const { source } = await open("m.gguf");
    await failure(source.read(0, 65_536), "range-not-supported");
    expect(hub.stats.cdnRequests).toBe(1);
  });

  it("waits once for a short 429 and gives up on a long one", async () => {
    bend({ status: 429, headers: { "retry-after": "0" } }, 1, 1);
    expect((await open("m.gguf")).source.size).toBe(300_000);
    hub.reset();
    bend({ status: 429, headers: { "retry-after": "0" } });
    await failure(open("m.gguf"), "rate-limited");
    expect(hub.stats.cdnRequests).toBe(2);
    hub.reset();
    bend({ status: 429, headers: { ratelimit: '"resolvers";r=0;t=55' } });
    const error = await failure(open("m.gguf"), "rate-limited");
    expect(error.where.retryAfterSeconds).toBe(56);
    expect(hub.stats.cdnRequests).toBe(1);
    const date = "Sun, 06 Nov 1994 08:49:37 GMT";
    bend({ status: 429, headers: { date, "retry-after": "Sun, 06 Nov 1994 08:50:19 GMT" } });
    expect((await failure(open("m.gguf"), "rate-limited")).where.retryAfterSeconds).toBe(42);
    bend({ status: 429, headers: { "retry-after": "soon" } });
    expect((await failure(open("m.gguf"), "rate-limited")).where.retryAfterSeconds).toBeUndefined();
    const limited = (retryAfter: string) => async () =>
      new Response(null, { status: 429, headers: { "retry-after": retryAfter } });
    const inAMinute = limited(new Date(Date.now() + 60_000).toUTCString());
    const own = await failure(open("m.gguf", { fetch: inAMinute }), "rate-limited");
    expect(own.where.retryAfterSeconds).toBeGreaterThan(50);
    expect(own.where.retryAfterSeconds).toBeLessThanOrEqual(60);
    const endless = await failure(open("m.gguf", { fetch: limited("9999999999999999") }), "rate-limited");
    expect(endless.where.retryAfterSeconds).toBeUndefined();
  });

  it.each<[string, unknown, string]>([
    ["no error", "hf_abcdef is not sent", "[token] is not sent"],
    ["an error without a stack", Object.assign(new Error("for hf_abcdef"), { stack: undefined }), "for [token]"],
  ])("hides the token in what fetch rejects with: %s", async (_, reason, says) => {
    const fetch = () => Promise.reject(reason);
    const error = await failure(open("m.gguf", { fetch, token: "hf_abcdef" }), "network");
    expect(error.cause).toMatchObject({ message: says });
    expect(`${error.message} ${(error.cause as Error).stack}`).not.toContain("hf_abcdef");
  });

  it("hides the token in an answer that may have no body, even where a fetch of the caller's gives it one", async () => {
    const headers = { "x-error-message": "hf_abcdef is known" };
    const fetch = async () =>
      Object.defineProperty(new Response(null, { status: 304, headers }), "body", { value: new Response("x").body });
    const error = await failure(open("m.gguf", { fetch, token: "hf_abcdef" }), "http-status");
    expect(error.message).toContain("[token] is known");
  });

  it("names what refused the connection", async () => {
    const session = startSession(sourceOptions());
    const target = { url: new URL("http://127.0.0.1:9/m.gguf?secret=1"), label: "dead/m.gguf", budget: { left: 9 } };
    const error = await failure(openHttp(session, target, { firstBytes: 10, path: "m.gguf" }), "network");
    expect(error.cause).toBeInstanceOf(Error);
  });
});

describe("time and abort", () => {
  it("a server that sends byte by byte is given up after the idle time", async () => {
    let timer: ReturnType<typeof setInterval> | undefined;
    let cancelled = false;
    const drip = new ReadableStream<Uint8Array>({
      start(controller) {
        timer = setInterval(() => controller.enqueue(new Uint8Array(1)), 5);
      },
      cancel() {
        cancelled = true;
        clearInterval(timer);
      },
    });
    const headers = { "content-range": "bytes 0-65535/300000" };
    const fetch = async () => new Response(drip, { status: 206, headers });
    const reading = open("m.gguf", { fetch, limits: { idleTimeoutMs: 80 } }).then(({ source }) =>
      takeStream(source, 50_000),
    );
    expect((await failure(reading, "timeout")).message).toMatch(/Only \d+ bytes of cdn\/m.gguf arrived in 80 ms/);
    expect(cancelled).toBe(true);
  });

  it.each<[string, Fault]>([
    ["never answers", { neverAnswer: true }],
    ["stops in the middle", { cut: { afterBytes: 1_000, ending: "stall" } }],
  ])("a server that %s is given up after the idle time", async (_, fault) => {
    bend(fault);
    const reading = open("m.gguf", { limits: { idleTimeoutMs: 80 } }).then(({ source }) => takeStream(source, 50_000));
    expect((await failure(reading, "timeout")).message).toContain("80 ms");
  });

  it("no request is made after the deadline, nor a pause that would end after it", async () => {
    const session = startSession(sourceOptions({ timeoutMs: 20 }));
    await new Promise((done) => setTimeout(done, 40));
    const target = { url: new URL(urlOf("m.gguf")), label: "cdn/m.gguf", budget: { left: 9 } };
    await failure(openHttp(session, target, { firstBytes: 10, path: "m.gguf" }), "timeout");
    expect(hub.stats.cdnRequests).toBe(0);
    bend({ status: 429, headers: { "retry-after": "2" } });
    const startedAtMs = performance.now();
    await failure(open("m.gguf", { timeoutMs: 1_000 }), "timeout");
    expect(performance.now() - startedAtMs).toBeLessThan(900);
  });

  it("the whole inspection has a deadline", async () => {
    bend({ neverAnswer: true });
    expect((await failure(open("m.gguf", { timeoutMs: 60 }), "timeout")).message).toContain("timeoutMs");
  });

  it.each<[string, Fault]>([
    ["before the answer", { neverAnswer: true }],
    ["inside the body", { cut: { afterBytes: 1_000, ending: "stall" } }],
    ["between two tries", { status: 503 }],
  ])("an abort %s rejects with the caller's own reason", async (_, fault) => {
    bend(fault);
    const reason = { my: "reason" };
    for (const place of ["options", "stream"] as const) {
      const caller = new AbortController();
      setTimeout(() => caller.abort(reason), 40);
      const startedAtMs = performance.now();
      const options = place === "options" || fault.cut === undefined ? { signal: caller.signal } : {};
      const reading = open("m.gguf", options).then(({ source }) => takeStream(source, 50_000, caller.signal));
      await expect(reading).rejects.toBe(reason);
      expect(performance.now() - startedAtMs).toBeLessThan(1_000);
    }
  });

  it("an abort is heeded even when the fetch given does not", async () => {
    const caller = new AbortController();
    setTimeout(() => caller.abort("stop"), 20);
    const deaf = () => new Promise<Response>(() => undefined);
    await expect(open("m.gguf", { fetch: deaf, signal: caller.signal })).rejects.toBe("stop");
  });
});

describe("redirects", () => {
  async function redirecting(
    location: (origin: string) => string,
    run: (origin: string, seen: string[]) => Promise<void>,
  ) {
    const seen: string[] = [];
    const server = createServer((request, response) => {
      seen.push(`${request.url} ${request.headers.authorization ?? "-"}`);
      response.writeHead(302, { location: location(`http://${request.headers.host}`) }).end();
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    try {
      await run(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }
  const openAt = (origin: string, given: Partial<Omit<SourceOptions, "limits">> = {}) => {
    const session = startSession(sourceOptions(given));
    const target = { url: new URL(`${origin}/m.gguf`), label: "there/m.gguf", budget: { left: 9 } };
    return openHttp(session, target, { firstBytes: 100, path: "m.gguf" });
  };

  it("take the token along to the endpoint only", async () => {
    await redirecting(
      () => urlOf("m.gguf"),
      async (origin, seen) => {
        expect((await openAt(origin, { endpoint: origin, token: "hf_abc" })).size).toBe(300_000);
        expect(seen).toEqual(["/m.gguf Bearer hf_abc"]);
        expect(hub.stats.list[0]?.authorization).toBeUndefined();
      },
    );
  });

  it.each([
    ["a loop", (origin: string) => `${origin}/m.gguf`, "more than 5"],
    ["a file address", () => "file:///etc/passwd", "file:"],
    ["no valid address", () => "http://[", "no valid"],
    ["credentials", () => "http://a:b@127.0.0.1/", "user name"],
  ])("are not followed to %s", async (_, location, says) => {
    await redirecting(location, async (origin, seen) => {
      expect((await failure(openAt(origin), "http-status")).message).toContain(says);
      expect(seen.length).toBeLessThanOrEqual(6);
    });
  });

  it("are not followed from https to http", async () => {
    const fetch = async () => new Response(null, { status: 302, headers: { location: "http://plain.example/" } });
    const error = await failure(openAt("https://secure.example", { fetch }), "http-status");
    expect(error.message).toContain("from https to http");
  });
});
