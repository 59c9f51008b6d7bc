import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

/** What one origin was asked. */
export type Seen = { readonly url: string; readonly headers: IncomingHttpHeaders };

/** A server on 127.0.0.1 that remembers all it was sent. */
export type Origin = { readonly url: string; readonly host: string; readonly seen: Seen[]; close(): Promise<void> };

export type Answer = {
  readonly status?: number;
  readonly headers?: Record<string, string | readonly string[]>;
  readonly body?: string | Uint8Array;
};

/** Serves what `answer` says for a path with its query; undefined is 404. */
export async function startOrigin(answer: (seen: Seen) => Answer | undefined): Promise<Origin> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const asked = { url: request.url ?? "/", headers: request.headers };
    seen.push(asked);
    const { status = 200, headers = {}, body = "" } = answer(asked) ?? { status: 404 };
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value as string | string[]);
    response.writeHead(status, { "content-length": Buffer.byteLength(body) }).end(body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `http://${host}`,
    host,
    seen,
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** `bytes` as a server with ranges gives them. */
export function ranged(bytes: Uint8Array, { headers }: Seen, status = 206): Answer {
  const match = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? "");
  if (match === null) return { body: bytes };
  const [start, end] = [Number(match[1]), Math.min(Number(match[2]) + 1, bytes.byteLength)];
  const range = `bytes ${start}-${end - 1}/${bytes.byteLength}`;
  return { status, headers: { "content-range": range }, body: bytes.subarray(start, end) };
}

/** A `fetch` that asks one origin for what is meant for another: no test asks a public service. */
export function redirectedFetch(origins: Record<string, string>): typeof globalThis.fetch {
  return (input, init) => {
    const url = new URL(String(input));
    return fetch(`${origins[url.origin] ?? url.origin}${url.pathname}${url.search}`, init);
  };
}
