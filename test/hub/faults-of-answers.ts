import { type FaultCase, onCdn, onInfo, onResolve, refused, start } from "./fault-case.ts";
import { demo, OTHER_COMMIT, OTHER_TOKEN } from "./fault-world.ts";

export const RANGES: readonly FaultCase[] = [
  { title: "H-01 a small file sent whole is sliced", fault: onCdn({ ignoreRange: true }), expected: "ok", requests: 3 },
  {
    title: "H-02 of a big file sent whole only the header is taken",
    source: "org/big",
    fault: onCdn({ ignoreRange: true }),
    expected: "ok",
    bodyBytes: 8_000_000,
  },
  {
    title: "H-03 a 206 with another start is refused",
    fault: onCdn({ headers: { "content-range": `bytes 100-199/${demo.byteLength}` } }),
    expected: "range-not-supported",
  },
  {
    title: "H-03 a 206 with an end beyond the request is refused",
    fault: onCdn({ headers: { "content-range": "bytes 0-999999999/9999999999" } }),
    expected: "range-not-supported",
  },
  {
    title: "H-04 a 206 without Content-Range is taken when its length is the listed one",
    fault: onCdn({ headers: { "content-range": "" } }),
    expected: "ok",
  },
  {
    title: "H-04 a 206 without Content-Range and of another length is refused",
    fault: onCdn({ headers: { "content-range": "" }, capBytes: 5_000 }),
    expected: "range-not-supported",
  },
  {
    title: "H-04 a 206 without a total is taken when a listing told it",
    fault: onCdn({ headers: { "content-range": `bytes 0-${demo.byteLength - 1}/*` } }),
    expected: "ok",
  },
  {
    title: "H-04 a 206 without a total is refused when none did",
    source: (hub) => `${hub.cdnUrl}/org/model/m-Q4_K_M.gguf?X-Signature=mock`,
    fault: onCdn({ headers: { "content-range": `bytes 0-${demo.byteLength - 1}/*` } }),
    expected: "range-not-supported",
  },
  { title: "H-05 a server that caps ranges is asked again", fault: onCdn({ capBytes: 1_000 }), expected: "ok" },
  {
    title: "H-05 a short answer is followed up once",
    fault: onCdn({ cut: { afterBytes: 1_000, ending: "end" } }, 1, 1),
    expected: "ok",
  },
  {
    title: "H-05 a second short answer is the end",
    fault: onCdn({ cut: { afterBytes: 1_000, ending: "end" } }),
    expected: "truncated",
  },
  {
    title: "H-06 a body that goes on after its end is refused",
    fault: onCdn({ capBytes: 1_000, extraBytes: 200_000 }),
    expected: "range-not-supported",
    bodyBytes: 1_000_000,
  },
  {
    title: "H-07 a total that changes between two answers is refused",
    fault: onCdn((request) => {
      const from = start(request);
      const total = demo.byteLength + (from === 0 ? 0 : request.count);
      return { capBytes: 1_000, headers: { "content-range": `bytes ${from}-${from + 999}/${total}` } };
    }),
    expected: "source-changed",
  },
  {
    title: "H-08 a tag that changes once is read again from the start",
    source: (hub) => `${hub.cdnUrl}/org/model/m-Q4_K_M.gguf?X-Signature=mock`,
    fault: onCdn(({ count }) => ({ capBytes: 3_000, headers: { etag: count === 1 ? '"old"' : '"new"' } })),
    expected: "ok",
  },
  {
    title: "H-08 a tag that changes every time is refused",
    source: (hub) => `${hub.cdnUrl}/org/model/m-Q4_K_M.gguf?X-Signature=mock`,
    fault: onCdn(({ count }) => ({ capBytes: 1_000, headers: { etag: `"v${count}"` } })),
    expected: "source-changed",
  },
  {
    title: "H-08 a hash of the hub's that changes is refused, whatever the cache behind it says",
    fault: (request, hub) =>
      onResolve(({ count }) => ({ headers: { "x-linked-etag": `"v${count}"` } }))(request, hub) ??
      onCdn({ capBytes: 1_000 })(request, hub),
    expected: "source-changed",
    browser: "skip",
  },
  {
    title: "H-08 a file that answers for another commit is refused",
    fault: onResolve({ headers: { "x-repo-commit": OTHER_COMMIT } }),
    expected: "source-changed",
    browser: "skip",
  },
  {
    title: "H-10 a compressed part is refused",
    fault: onCdn({ headers: { "content-encoding": "gzip" } }),
    expected: "range-not-supported",
  },
  {
    title: "H-11 a server that refuses HEAD is not asked by it",
    fault: ({ method }) => (method === "HEAD" ? refused(403) : undefined),
    expected: "ok",
  },
  {
    title: "H-12 a 416 is refused with what it says of the size",
    fault: onCdn({ status: 416, headers: { "content-range": "bytes */77" } }),
    expected: "truncated",
    says: "77 bytes",
  },
  {
    title: "H-12 a 416 for an empty file is an empty file",
    source: "org/empty",
    expected: "truncated",
    says: "0 bytes",
  },
];

export const REFUSALS: readonly FaultCase[] = [
  {
    title: "H-13 a gated repo, not logged in",
    source: "org/gated",
    token: null,
    expected: "gated",
    says: "pass a token",
  },
  {
    title: "H-13 a gated repo, not approved",
    source: "org/gated",
    token: OTHER_TOKEN,
    expected: "gated",
    says: "not granted",
  },
  {
    title: "a gated repo still tells what its open information says",
    source: "org/gated",
    token: null,
    expected: "gated",
    says: "The hub counts 8,030,261,248 parameters in its safetensors files.",
  },
  { title: "H-13 a gated repo, approved", source: "org/gated", expected: "ok" },
  {
    title: "H-13 a private repo, not logged in",
    source: "org/private",
    token: null,
    expected: "repo-not-found",
    says: "private",
  },
  { title: "H-13 a missing repo", source: "org/absent", expected: "repo-not-found", says: "does not exist" },
  { title: "H-13 a disabled repo", source: "org/disabled", expected: "forbidden", says: "was disabled" },
  {
    title: "H-13 a token that is not known",
    token: "hf_unknownunknownunknown",
    expected: "unauthorized",
    says: "wrong, expired or revoked",
  },
  { title: "H-13 a missing revision", source: "org/model@absent", expected: "revision-not-found" },
  { title: "H-13 a missing file", source: "hf://org/model/absent.gguf", expected: "entry-not-found" },
  {
    title: "H-13 a file the listing has and the hub does not",
    fault: onResolve(refused(404, { "x-error-code": "EntryNotFound" })),
    expected: "entry-not-found",
  },
  {
    title: "H-13 the body of a refusal is not parsed as a model",
    fault: onCdn({ status: 404, body: demo }),
    expected: "repo-not-found",
  },
  {
    title: "H-13 a bad request",
    fault: onInfo(refused(400)),
    expected: "http-status",
    says: "status 400",
    requests: 1,
  },
  { title: "a renamed repo answers under its new name", source: "org/old", expected: "ok" },
];

export const LIMITS: readonly FaultCase[] = [
  {
    title: "H-14 a short wait is kept to",
    fault: onCdn(refused(429, { "retry-after": "0" }), 1, 1),
    expected: "ok",
    requests: 5,
  },
  {
    title: "H-14 a second 429 is the end",
    fault: onCdn(refused(429, { "retry-after": "0" })),
    expected: "rate-limited",
    requests: 5,
  },
  {
    title: "H-14 a long wait is told, not kept to",
    fault: onInfo(refused(429, { ratelimit: '"api";r=0;t=240' })),
    expected: "rate-limited",
    says: "241 s",
    requests: 1,
  },
  {
    title: "H-14 a 429 with requests left is none of the window's",
    fault: onInfo(refused(429, { ratelimit: '"api";r=7;t=240' })),
    expected: "rate-limited",
    says: "limits requests",
    requests: 1,
  },
  {
    title: "H-14 a hundred shards do not storm a hub that limits them",
    source: "org/hundred",
    fault: onResolve(refused(429, { "retry-after": "0" })),
    expected: "rate-limited",
    // Twice as many as are under way at once, and the listing.
    requests: 41,
  },
  { title: "H-15 two 503 pass", fault: onCdn(refused(503), 1, 2), expected: "ok" },
  ...[408, 500, 502, 503, 504].map(
    (status): FaultCase => ({
      title: `H-15 a lasting ${status} is tried three times`,
      fault: onInfo(refused(status, { "x-request-id": "r-1" })),
      expected: "http-status",
      says: `status ${status}`,
      requests: 3,
      browser: "skip",
    }),
  ),
  { title: "H-15 a reset before the answer passes", fault: onCdn({ reset: true }, 1, 1), expected: "ok" },
  {
    title: "H-15 a reset in the header passes",
    fault: onCdn({ cut: { afterBytes: 1_000, ending: "reset" } }, 1, 1),
    expected: "ok",
  },
  { title: "H-15 a lasting reset", fault: onCdn({ reset: true }), expected: "network", requests: 7 },
  {
    title: "H-16 a server that gives ten bytes at a time is left alone",
    fault: onCdn({ capBytes: 10 }),
    expected: "limit-exceeded",
    says: "requestsPerFile",
    requests: 66,
  },
  { title: "H-17 headers that never come", fault: onCdn({ neverAnswer: true }), expected: "timeout" },
  { title: "H-17 a listing that never comes", fault: onInfo({ neverAnswer: true }), expected: "timeout" },
  {
    title: "H-17 a body that stalls",
    fault: onCdn({ cut: { afterBytes: 1_000, ending: "stall" } }),
    expected: "timeout",
  },
  { title: "H-17 a body that drips", fault: onCdn({ dripMs: 5 }), expected: "timeout" },
];
