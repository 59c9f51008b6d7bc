import { type FaultCase, listing, onCdn, onHub, onInfo, onResolve, onTree, redirect, refused } from "./fault-case.ts";
import { TOKEN } from "./fault-world.ts";

export const REDIRECTS: readonly FaultCase[] = [
  { title: "H-19 the token stays with the hub", source: "org/gated", expected: "ok" },
  {
    title: "H-19 a redirect that carries the token in its address does not pass it on",
    fault: onResolve((_, hub) => redirect(`${hub.cdnUrl}/org/model/m-Q4_K_M.gguf?X-Signature=mock&t=${TOKEN}`)),
    expected: "forbidden",
    browser: "skip",
  },
  {
    title: "H-19 a listing is not fetched from elsewhere with the token",
    fault: onInfo((_, hub) => redirect(`${hub.cdnUrl}/api/models/org/model?t=${TOKEN}`)),
    expected: "forbidden",
    browser: "skip",
  },
  {
    title: "H-19 the next page is asked of the hub, whatever host is named",
    source: "org/paged",
    fault: onTree(
      (_, hub) => ({
        headers: { link: `<${hub.cdnUrl}/api/models/org/paged/tree/main?cursor=2&t=${TOKEN}>; rel="next"` },
      }),
      1,
      1,
    ),
    expected: "ok",
  },
  {
    title: "a listing whose pages go round is refused",
    source: "org/paged",
    fault: onTree({ headers: { link: '</api/models/org/paged/tree/main?cursor=0>; rel="next"' } }),
    expected: "invalid-json",
    says: "page",
    requests: 4,
  },
  {
    title: "H-20 a loop",
    fault: onResolve(({ path }) => redirect(path)),
    expected: "http-status",
    says: "more than 5",
    requests: 7,
    browser: "network",
  },
  {
    title: "H-21 an address on another origin gets no token",
    source: (hub) => `${hub.cdnUrl}/org/model/m-Q4_K_M.gguf?X-Signature=mock`,
    expected: "ok",
  },
  {
    title: "H-21 another name of the hub's host is another origin",
    source: (hub) => `${hub.url.replace("127.0.0.1", "localhost")}/org/gated/resolve/main/m-Q4_K_M.gguf`,
    expected: "gated",
    says: "pass a token",
  },
  {
    title: "H-22 a signed address that is refused is not shown",
    fault: onCdn(refused(403)),
    expected: "forbidden",
    says: "expired",
  },
  ...[
    "file:///etc/passwd",
    "data:text/plain,GGUF",
    "ftp://127.0.0.1/m.gguf",
    "javascript:alert(1)",
    "http://a:b@127.0.0.1/",
    "http://[",
  ].map(
    (location): FaultCase => ({
      title: `H-23 a redirect to ${location} is refused`,
      fault: onResolve(redirect(location)),
      expected: "http-status",
      says: "was not followed",
      browser: "network",
    }),
  ),
  { title: "H-23 an address of another kind", source: "ftp://127.0.0.1/m.gguf", expected: "invalid-source" },
  {
    title: "H-23 an address with a password",
    source: "http://me:hunter2@127.0.0.1/m.gguf",
    expected: "invalid-source",
  },
];

export const NAMES: readonly FaultCase[] = [
  { title: "H-24 a name that leaves its folder", source: "../../absent", expected: "not-found", browser: "skip" },
  { title: "H-24 a name of three parts", source: "a/b/c", expected: "not-found", browser: "skip" },
  ...[
    "a b",
    "org/na me",
    "org/name?x=1",
    "org/name#x",
    "org/name\n",
    "org/na\u202eme",
    "org/..",
    "org/n\u001b[31mame",
    "org/name@a b",
  ].map(
    (source): FaultCase => ({
      title: `H-24 the name ${JSON.stringify(source)}`,
      source,
      expected: "invalid-source",
      requests: 0,
    }),
  ),
  { title: "H-24 a revision with slashes", source: "org/model@refs/pr/1", expected: "ok" },
  { title: "H-24 a path with a space, # and ü", source: "org/odd", expected: "ok" },
  ...["-5", "abc", "9".repeat(30), "1e3", ""].map(
    (value): FaultCase => ({
      title: `H-28 Retry-After: ${JSON.stringify(value)} counts as absent`,
      fault: onInfo(refused(429, { "retry-after": value })),
      expected: "rate-limited",
      says: "limits requests",
      requests: 1,
    }),
  ),
  {
    title: "H-28 a size that is no number counts as absent",
    fault: onResolve({ headers: { "x-linked-size": "abc" } }),
    expected: "ok",
  },
  {
    title: "H-28 a Content-Range that is no range is refused",
    fault: onCdn({ headers: { "content-range": "bytes 0-abc/-5" }, capBytes: 5_000 }),
    expected: "range-not-supported",
  },
  ...["parent", "encoded", "backslash", "absolute", "control", "address", "hostless"].map(
    (name): FaultCase => ({
      title: `${name === "parent" ? "X-08" : "X-09"} an index that names ${name}`,
      source: `org/${name}`,
      expected: "unsafe-path",
      says: "stay inside",
      requests: 3,
    }),
  ),
  {
    title: "X-09 a listing that names what is not in the repo",
    fault: onInfo(listing("../../org/private/resolve/main/m.gguf")),
    expected: "unsafe-path",
    requests: 1,
  },
  {
    title: "X-12 an index without end is cut off",
    source: "org/parent",
    fault: onInfo({ status: 200, body: " ".repeat(3_000_000) }),
    limits: { indexBytes: 1_000_000 },
    expected: "limit-exceeded",
    says: "indexBytes",
  },
  {
    title: "U-02 names that would move a terminal's cursor",
    fault: onInfo(listing("\u001b]0;owned\u0007\u001b[2J.txt", "\u009b31m.txt", "a\rb\n.txt")),
    expected: "no-model",
  },
  {
    title: "U-03 names that would turn a line around",
    fault: onInfo(listing("\u202etxt.fugg", "a\u2066b\u2028c\u200bd.txt")),
    expected: "no-model",
  },
  { title: "U-09 a pickle is not opened", source: "org/pickle", expected: "no-model", says: "runs code", requests: 1 },
];

/** A hub that sends the token back in every place it can. */
export const ECHOES: readonly FaultCase[] = [
  {
    title: "a hub that repeats the token in its error",
    fault: onHub({
      status: 500,
      headers: { "x-error-message": `Bearer ${TOKEN}`, "x-request-id": TOKEN },
      body: TOKEN,
    }),
    expected: "http-status",
    says: "[token]",
  },
  {
    title: "a hub that repeats it in the reason phrase of a refusal",
    fault: onHub({ status: 403, headers: { "x-error-message": TOKEN, "www-authenticate": `Bearer ${TOKEN}` } }),
    expected: "forbidden",
    says: "[token]",
  },
  {
    title: "a hub that names a file by the token",
    fault: onInfo(listing(`${TOKEN}.txt`)),
    expected: "no-model",
    says: "[token].txt",
  },
  {
    title: "a hub that names a commit by the token",
    fault: onResolve({ headers: { "x-repo-commit": TOKEN } }),
    expected: "source-changed",
    says: "[token]",
    browser: "skip",
  },
  {
    title: "a hub that warns with the token",
    fault: onInfo({ headers: { "x-hf-warning": `token; ${TOKEN} will expire` } }),
    expected: "ok",
    says: "[token] will expire",
  },
  {
    title: "a hub that answers with the token as JSON",
    fault: onInfo({ status: 200, body: `{"${TOKEN}": ${TOKEN}` }),
    expected: "invalid-json",
  },
];
