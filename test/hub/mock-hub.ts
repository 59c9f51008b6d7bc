import { createHash } from "node:crypto";
import { once } from "node:events";
import { createReadStream, statSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";

/**
 * A stand-in for a model hub: two origins on 127.0.0.1, "hub" and "cdn", with the routes, redirects, headers and
 * failures of the real one. `test/hub/referee.test.ts` has the stock client `@huggingface/hub` judge it.
 */
export type MockHub = {
  readonly url: string;
  readonly cdnUrl: string;
  readonly stats: MockStats;
  /** Called for every request; a fault replaces or bends the answer. Set it at any time. */
  fault: (request: MockRequest) => Fault | undefined;
  readonly repos: Map<string, MockRepo>;
  /** Requests whose connection is still open and whose answer is not at its end. */
  underWay(): number;
  reset(): void;
  close(): Promise<void>;
};

/** Bytes, a sparse file (`header`, then zeros up to `size`), or the path of a local file. */
export type MockFile = Uint8Array | { readonly size: number; readonly header: Uint8Array } | string;

export type MockRepo = {
  files: Record<string, MockFile>;
  commit?: string;
  /** Further revisions by name. */
  refs?: Record<string, string>;
  gated?: "auto" | "manual";
  private?: boolean;
  disabled?: boolean;
  movedTo?: string;
  /** Leaves `siblings` out of the model info, as for a very large repo. */
  omitSiblings?: boolean;
  /** Parameters the hub says its safetensors have. */
  claims?: number;
};

export type MockRequest = {
  readonly origin: "hub" | "cdn";
  readonly method: string;
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
  readonly headers: IncomingMessage["headers"];
  /** How many requests there have been for this origin and path, this one included. */
  readonly count: number;
};

/** `headers` are added to whatever is answered; `status`, except 206, replaces the answer. */
export type Fault = {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array;
  readonly reset?: boolean;
  readonly neverAnswer?: boolean;
  readonly ignoreRange?: boolean;
  /** Sends this many body bytes, then ends as `ending` says. */
  readonly cut?: { readonly afterBytes: number; readonly ending: "reset" | "end" | "stall" };
  readonly extraBytes?: number;
  /** Caps ranges at this length, as some proxies do. */
  readonly capBytes?: number;
  /** Sends the body byte by byte, one in so many milliseconds. */
  readonly dripMs?: number;
};

export type MockStats = {
  hubRequests: number;
  cdnRequests: number;
  bodyBytes: number;
  list: MockRequest[];
};

export type MockOptions = {
  readonly repos: Record<string, MockRepo>;
  readonly bytesPerSecond?: number;
  /** Tokens that are known; any other is answered "Invalid credentials". */
  readonly tokens?: readonly string[];
  readonly grantedTokens?: readonly string[];
  readonly pageLength?: number;
  /** Path prefix of the hub, as behind a mirror. */
  readonly prefix?: string;
};

export const DEFAULT_COMMIT = "0123456789abcdef0123456789abcdef01234567";
const SIGNATURE = "X-Signature=mock";
const CHUNK_BYTES = 16_384;
const sha1 = (text: string) => createHash("sha1").update(text).digest("hex");
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const isLarge = (path: string) => /\.(gguf|safetensors|bin)$/.test(path);
const sizeOf = (file: MockFile): number =>
  typeof file === "string" ? statSync(file).size : file instanceof Uint8Array ? file.byteLength : file.size;

export async function startMockHub(options: MockOptions): Promise<MockHub> {
  const stats: MockStats = { hubRequests: 0, cdnRequests: 0, bodyBytes: 0, list: [] };
  const counts = new Map<string, number>();
  const repos = new Map(Object.entries(options.repos));
  const prefix = options.prefix ?? "";
  let underWay = 0;

  function note(origin: "hub" | "cdn", request: IncomingMessage): MockRequest {
    const path = request.url ?? "/";
    const key = `${origin} ${path.split("?")[0]}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
    stats[origin === "hub" ? "hubRequests" : "cdnRequests"] += 1;
    const { range, authorization } = request.headers;
    const noted: MockRequest = {
      origin,
      method: request.method ?? "GET",
      path,
      range,
      authorization,
      headers: request.headers,
      count: counts.get(key) ?? 1,
    };
    stats.list.push(noted);
    return noted;
  }

  /** Writes a chunk at the pace asked for; false once the client is gone. */
  async function write(response: ServerResponse, chunk: Uint8Array): Promise<boolean> {
    if (options.bytesPerSecond !== undefined) await sleep((chunk.byteLength / options.bytesPerSecond) * 1_000);
    if (response.destroyed) return false;
    stats.bodyBytes += chunk.byteLength;
    if (!response.write(chunk)) await drained(response);
    return !response.destroyed;
  }

  function finish(
    response: ServerResponse,
    status: number,
    headers: Record<string, string>,
    body: string | Uint8Array = "",
  ) {
    const bytes = Buffer.from(body);
    response.writeHead(status, {
      "content-length": String(bytes.byteLength),
      "x-request-id": "mock-request-1",
      ...headers,
    });
    stats.bodyBytes += bytes.byteLength;
    response.end(bytes);
  }

  async function sendFile(
    noted: MockRequest,
    response: ServerResponse,
    file: MockFile,
    extra: Record<string, string>,
    fault: Fault,
  ) {
    const size = sizeOf(file);
    const match = fault.ignoreRange === true ? null : /^bytes=(\d+)-(\d*)$/.exec(noted.range ?? "");
    const start = match === null ? 0 : Number(match[1]);
    if (match !== null && start >= size) return finish(response, 416, { "content-range": `bytes */${size}`, ...extra });
    let end = match === null || match[2] === "" ? size : Math.min(size, Number(match[2]) + 1);
    if (fault.capBytes !== undefined) end = Math.min(end, start + fault.capBytes);
    const promised = end - start;
    const headers: Record<string, string> = {
      "accept-ranges": "bytes",
      "content-type": "application/octet-stream",
      ...extra,
    };
    if (match !== null) headers["content-range"] = `bytes ${start}-${end - 1}/${size}`;
    const chunked = fault.extraBytes !== undefined || fault.cut?.ending === "end";
    if (!chunked) headers["content-length"] = String(promised);
    response.writeHead(fault.status ?? (match === null ? 200 : 206), { ...headers, ...fault.headers });
    if (noted.method === "HEAD") return response.end();
    if (fault.dripMs !== undefined) {
      while (await write(response, new Uint8Array(1))) await sleep(fault.dripMs);
      return;
    }
    let sent = 0;
    for await (const chunk of chunksOf(file, start, end + (fault.extraBytes ?? 0))) {
      const left = (fault.cut?.afterBytes ?? Number.POSITIVE_INFINITY) - sent;
      const part = chunk.byteLength > left ? chunk.subarray(0, left) : chunk;
      if (part.byteLength > 0 && !(await write(response, part))) return;
      sent += part.byteLength;
      if (part.byteLength === chunk.byteLength) continue;
      if (fault.cut?.ending === "stall") return;
      if (fault.cut?.ending === "reset") {
        await sleep(10);
        response.destroy();
        return;
      }
      break;
    }
    response.end();
  }

  function apply(noted: MockRequest, response: ServerResponse): Fault | undefined {
    const fault = hub.fault(noted) ?? {};
    if (fault.reset === true) response.destroy();
    else if (fault.neverAnswer === true) return undefined;
    else if (fault.status !== undefined && fault.status !== 206)
      finish(response, fault.status, fault.headers ?? {}, fault.body);
    else return fault;
    return undefined;
  }

  async function serveCdn(request: IncomingMessage, response: ServerResponse) {
    const noted = note("cdn", request);
    const fault = apply(noted, response);
    if (fault === undefined) return;
    if (noted.authorization !== undefined) return finish(response, 400, {}, "credentials at the CDN");
    const url = new URL(noted.path, "http://cdn");
    if (url.search !== `?${SIGNATURE}`) return finish(response, 403, {}, "unsigned");
    const [, first = "", ...rest] = url.pathname.split("/").map(decodeURIComponent);
    const [id, path] = repos.has(first) ? [first, rest.join("/")] : [`${first}/${rest[0]}`, rest.slice(1).join("/")];
    const file = repos.get(id)?.files[path];
    if (file === undefined) return finish(response, 404, {});
    await sendFile(noted, response, file, { etag: `"${sha256(path)}"` }, fault);
  }

  async function serveHub(request: IncomingMessage, response: ServerResponse) {
    const noted = note("hub", request);
    const fault = apply(noted, response);
    if (fault === undefined) return;
    const url = new URL(noted.path.slice(prefix.length), "http://hub");
    const token = noted.authorization?.replace(/^Bearer /, "");
    if (token !== undefined && !(options.tokens ?? []).includes(token)) {
      return finish(response, 401, { "x-error-message": "Invalid credentials in Authorization header" });
    }
    const route = matchRoute(url.pathname);
    const repo = route === undefined ? undefined : repos.get(route.id);
    if (route === undefined || repo === undefined || (repo.private === true && token === undefined)) {
      const status = token === undefined ? 401 : 404;
      return finish(
        response,
        status,
        { "x-error-code": "RepoNotFound", "x-error-message": "Repository not found" },
        '{"error":"Invalid username or password."}',
      );
    }
    if (repo.movedTo !== undefined) {
      return finish(response, 307, {
        location: `${prefix}${url.pathname.replace(route.id, repo.movedTo)}${url.search}`,
      });
    }
    const commit = commitOf(repo, route.revision);
    if (commit === undefined)
      return finish(response, 404, {
        "x-error-code": "RevisionNotFound",
        "x-error-message": `Invalid rev id: ${route.revision}`,
      });
    if (route.kind === "info")
      return finish(
        response,
        200,
        { ...JSON_TYPE, ...fault.headers },
        JSON.stringify(infoOf(route.id, repo, commit, url)),
      );
    if (route.kind === "refs")
      return finish(
        response,
        200,
        JSON_TYPE,
        JSON.stringify({
          branches: [{ name: "main", ref: "refs/heads/main", targetCommit: commit }],
          tags: [],
          converts: [],
        }),
      );
    if (route.kind === "tree") return serveTree(response, url, route.id, repo, commit, fault);
    return serveResolve(noted, response, route, repo, commit, token, fault);
  }

  function serveTree(response: ServerResponse, url: URL, id: string, repo: MockRepo, commit: string, fault: Fault) {
    const pageLength = options.pageLength ?? 1_000;
    const from = Number(url.searchParams.get("cursor") ?? 0);
    const all = Object.entries(repo.files).map(([path, file]) => ({
      type: "file",
      path,
      size: sizeOf(file),
      oid: sha1(path),
      ...(isLarge(path) && { lfs: { oid: sha256(path), size: sizeOf(file), pointerSize: 135 } }),
    }));
    const next = new URL(`${hub.url}/api/models/${id}/tree/${commit}?recursive=true&cursor=${from + pageLength}`);
    const link: Record<string, string> = from + pageLength < all.length ? { link: `<${next}>; rel="next"` } : {};
    finish(
      response,
      200,
      { ...JSON_TYPE, ...link, ...fault.headers },
      JSON.stringify(all.slice(from, from + pageLength)),
    );
  }

  async function serveResolve(
    noted: MockRequest,
    response: ServerResponse,
    route: Route,
    repo: MockRepo,
    commit: string,
    token: string | undefined,
    fault: Fault,
  ) {
    const { id, path = "" } = route;
    if (repo.disabled === true)
      return finish(response, 403, { "x-error-message": "Access to this resource is disabled." });
    const granted = token !== undefined && (options.grantedTokens ?? []).includes(token);
    if (repo.gated !== undefined && !granted) {
      return finish(response, token === undefined ? 401 : 403, {
        "x-error-code": "GatedRepo",
        "x-error-message": `Access to model ${id} is restricted.`,
      });
    }
    const file = Object.hasOwn(repo.files, path) ? repo.files[path] : undefined;
    const common = { "x-repo-commit": commit, ratelimit: '"resolvers";r=2999;t=100' };
    // What the small file behind the redirect is sent with, `sendFile` adds.
    const added = route.kind === "resolve" ? fault.headers : {};
    if (file === undefined)
      return finish(response, 404, {
        ...common,
        "x-error-code": "EntryNotFound",
        "x-error-message": "Entry not found",
      });
    if (route.kind === "raw" && isLarge(path))
      return finish(response, 200, common, "version https://git-lfs.github.com/spec/v1\n");
    if (route.kind === "cache" || route.kind === "raw") {
      const acceptsGzip = (noted.headers["accept-encoding"] ?? "").toString().includes("gzip");
      // The CDN compresses small texts, and then says neither their length nor that it takes ranges.
      if (file instanceof Uint8Array && acceptsGzip && noted.range === undefined && noted.method === "GET") {
        const zipped = gzipSync(file);
        stats.bodyBytes += zipped.byteLength;
        response.writeHead(200, { ...common, "content-encoding": "gzip", etag: `W/"${sha1(path)}"` });
        return response.end(zipped);
      }
      return sendFile(noted, response, file, { ...common, etag: `"${sha1(path)}"` }, fault);
    }
    if (!isLarge(path)) {
      const location = `${prefix}/api/resolve-cache/models/${id}/${commit}/${path.split("/").map(encodeURIComponent).join("/")}?etag=${sha1(path)}`;
      return finish(response, 307, {
        ...common,
        location,
        etag: `"${sha1(path)}"`,
        "x-linked-size": String(sizeOf(file)),
        ...added,
      });
    }
    const location = `${hub.cdnUrl}/${id}/${path.split("/").map(encodeURIComponent).join("/")}?${SIGNATURE}`;
    finish(response, 302, {
      ...common,
      location,
      etag: `"${sha256(path)}"`,
      "x-linked-etag": `"${sha256(path)}"`,
      "x-linked-size": String(sizeOf(file)),
      "accept-ranges": "bytes",
      ...added,
    });
  }

  const guard = (serve: (request: IncomingMessage, response: ServerResponse) => Promise<unknown>) =>
    createServer((request, response) => {
      underWay += 1;
      response.once("close", () => {
        underWay -= 1;
      });
      serve(request, response).catch((error: unknown) => {
        if (!response.headersSent) finish(response, 500, {}, String(error));
        else response.destroy();
      });
    });
  const servers = { hub: guard(serveHub), cdn: guard(serveCdn) };
  const [hubUrl, cdnUrl] = await Promise.all([listen(servers.hub), listen(servers.cdn)]);
  const hub: MockHub = {
    url: `${hubUrl}${prefix}`,
    cdnUrl,
    stats,
    repos,
    fault: () => undefined,
    reset() {
      Object.assign(stats, { hubRequests: 0, cdnRequests: 0, bodyBytes: 0, list: [] });
      counts.clear();
      hub.fault = () => undefined;
    },
    underWay: () => underWay,
    async close() {
      await Promise.all(Object.values(servers).map(shut));
    },
  };
  return hub;
}

const JSON_TYPE = { "content-type": "application/json; charset=utf-8" };

type Route = {
  readonly kind: "info" | "tree" | "refs" | "resolve" | "raw" | "cache";
  readonly id: string;
  readonly revision: string;
  readonly path?: string;
};

function matchRoute(pathname: string): Route | undefined {
  const decoded = (text: string | undefined) => decodeURIComponent(text ?? "");
  const cache = /^\/api\/resolve-cache\/models\/((?:[^/]+\/)?[^/]+)\/([0-9a-f]{40})\/(.+)$/.exec(pathname);
  if (cache !== null)
    return { kind: "cache", id: decoded(cache[1]), revision: decoded(cache[2]), path: decoded(cache[3]) };
  const api = /^\/api\/models\/((?:[^/]+\/)?[^/]+?)(?:\/(revision|tree|refs)(?:\/([^/]+))?)?$/.exec(pathname);
  if (api !== null) {
    const kind = api[2] === "tree" ? "tree" : api[2] === "refs" ? "refs" : "info";
    return { kind, id: decoded(api[1]), revision: api[3] === undefined ? "main" : decoded(api[3]) };
  }
  const file = /^\/((?:[^/]+\/)?[^/]+)\/(resolve|raw)\/([^/]+)\/(.+)$/.exec(pathname);
  if (file === null) return undefined;
  return {
    kind: file[2] === "raw" ? "raw" : "resolve",
    id: decoded(file[1]),
    revision: decoded(file[3]),
    path: decoded(file[4]),
  };
}

function commitOf(repo: MockRepo, revision: string): string | undefined {
  const commit = repo.commit ?? DEFAULT_COMMIT;
  if (revision === "main" || revision === "HEAD" || revision === commit) return commit;
  const refs = repo.refs ?? {};
  return Object.values(refs).includes(revision) ? revision : refs[revision];
}

function infoOf(id: string, repo: MockRepo, commit: string, url: URL) {
  const withSizes = url.searchParams.get("blobs") === "true";
  const siblings = Object.entries(repo.files).map(([rfilename, file]) => ({
    rfilename,
    ...(withSizes && { size: sizeOf(file), blobId: sha1(rfilename) }),
  }));
  return {
    _id: "621ffdc136468d709f17a000",
    id,
    sha: commit,
    private: repo.private ?? false,
    gated: repo.gated ?? false,
    downloads: 1,
    likes: 1,
    lastModified: "2026-01-01T00:00:00.000Z",
    tags: [],
    ...(repo.claims !== undefined && { safetensors: { parameters: { BF16: repo.claims }, total: repo.claims } }),
    ...(repo.omitSiblings !== true && { siblings }),
  };
}

async function* chunksOf(file: MockFile, start: number, end: number): AsyncGenerator<Uint8Array> {
  if (typeof file === "string") {
    yield* createReadStream(file, { start, end: end - 1, highWaterMark: CHUNK_BYTES });
    return;
  }
  const header = file instanceof Uint8Array ? file : file.header;
  for (let at = start; at < end; at += CHUNK_BYTES) {
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES, end - at));
    chunk.set(header.subarray(at, at + chunk.byteLength));
    yield chunk;
  }
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      response.off("drain", settle);
      response.off("close", settle);
      resolve();
    };
    response.on("drain", settle);
    response.on("close", settle);
  });
}

async function listen(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function shut(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}
