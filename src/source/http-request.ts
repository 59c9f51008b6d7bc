import { InspectError } from "../errors.ts";
import { retryAfterSeconds, statusError, whereOf } from "./http-failure.ts";
import { macrotask } from "./macrotask.ts";
import { noteServerWarnings } from "./server-warnings.ts";
import { outOfTime, type Session } from "./session.ts";
import { USER_AGENT } from "./user-agent.ts";
import { pause, type Watch, watchRequest } from "./watch.ts";
import { answerWithoutToken, causeWithoutToken, withoutToken } from "./without-token.ts";

/** What is asked for, and under which name it appears in messages. */
export type HttpTarget = {
  readonly url: URL;
  /** Never holds a query: signed addresses are secrets. */
  readonly label: string;
  /** The address belongs to a hub, whose 401 and 404 both mean "missing or private". */
  readonly hub?: boolean;
  /** What a gated repo's open information says of it. */
  readonly claim?: string;
  /** What kinds of answer are understood, where a server has several. */
  readonly accept?: string;
  /** Requests left for this file (limits.requestsPerFile), counted down by every try. */
  readonly budget: { left: number };
};

/** An answer whose body has not been read yet. */
export type Reply = {
  readonly status: number;
  readonly headers: Headers;
  /** Headers of the first hop: on a hub they name the commit and the real size. */
  readonly firstHeaders: Headers;
  /** The next chunk as it arrives, or undefined at the end. */
  next(): Promise<Uint8Array | undefined>;
  /** Closes the connection, whatever is still under way. */
  cancel(): void;
  /** Reads to the end without waiting for it, so that the connection can be used again. */
  drain(): void;
};

export type HttpAsk = {
  /** Byte range, end exclusive. */
  readonly range?: { readonly start: number; readonly end: number };
  readonly signal: AbortSignal | undefined;
};

const PUBLIC_HUB = "https://huggingface.co";
const MAX_REDIRECTS = 5;
const REDIRECT_STATUS: readonly number[] = [301, 302, 303, 307, 308];
const RETRY_STATUS: readonly number[] = [408, 500, 502, 503, 504];
const MAX_TRIES = 3;
const FIRST_PAUSE_MS = 200;
/** A server that asks for a longer wait gets a typed error instead: the caller decides. */
const LONGEST_WAIT_SECONDS = 10;
/** A server that sends less than this in `limits.idleTimeoutMs` of waiting is as good as silent (a drip server). */
const LEAST_BYTES = 1_024;
const LONGEST_REDIRECT_BYTES = 16_384;
/** What is left of an answer may take this long: a new connection costs about as much. */
const LONGEST_DRAIN_MS = 250;

/**
 * One logical read: redirects are followed, passing failures tried again, and everything but 200, 206 and 416
 * thrown as a typed error.
 */
export async function request(session: Session, target: HttpTarget, ask: HttpAsk): Promise<Reply> {
  let waited = false;
  for (let tries = 1; ; tries += 1) {
    const outcome = await attempt(session, target, ask);
    if (!(outcome instanceof InspectError)) return outcome;
    if (outcome.where.status === 429) {
      const seconds = outcome.where.retryAfterSeconds;
      if (waited || seconds === undefined || seconds > LONGEST_WAIT_SECONDS) throw outcome;
      waited = true;
      await pause(seconds * 1_000, session, target.label, ask.signal);
    } else {
      if (tries >= MAX_TRIES) throw outcome;
      await pauseBeforeRetry(tries, session, target.label, ask.signal);
    }
  }
}

/** Exponential, with jitter so that many readers do not come back at once. */
export function pauseBeforeRetry(
  failures: number,
  session: Session,
  label: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  return pause(FIRST_PAUSE_MS * 2 ** (failures - 1) * (0.5 + Math.random()), session, label, signal);
}

/** A reply, or the error of a failure that may pass. Other failures are thrown. */
async function attempt(session: Session, target: HttpTarget, ask: HttpAsk): Promise<Reply | InspectError> {
  if (session.remainingMs() <= 0) throw outOfTime(session, target.label);
  spend(session, target);
  const watch = watchRequest(session, target.label, ask.signal);
  try {
    const { response, firstHeaders } = await follow(session, target, ask, watch);
    noteServerWarnings(session, target, firstHeaders);
    const { status, headers } = response;
    if (status === 200 || status === 206 || status === 416) {
      return readable(session, target, response, firstHeaders, watch);
    }
    watch.end();
    const error = statusError(
      target,
      status,
      firstHeaders.has("x-error-code") ? firstHeaders : headers,
      tokenFor(session, target.url) !== undefined,
    );
    const passing = RETRY_STATUS.includes(status) || (status === 429 && retryAfterSeconds(headers) !== undefined);
    if (passing) return error;
    throw error;
  } catch (error) {
    watch.end();
    if (error instanceof InspectError && error.code === "network") return error;
    throw error;
  }
}

function spend(session: Session, target: HttpTarget): void {
  if (target.budget.left <= 0) {
    const { requestsPerFile } = session.options.limits;
    throw new InspectError(
      "limit-exceeded",
      `Reading ${target.label} took more than ${requestsPerFile} requests (limits.requestsPerFile): the server keeps sending less than asked.`,
      { source: target.label },
    );
  }
  target.budget.left -= 1;
  session.addRequest();
}

async function follow(
  session: Session,
  target: HttpTarget,
  ask: HttpAsk,
  watch: Watch,
): Promise<{ response: Response; firstHeaders: Headers }> {
  let url = target.url;
  let firstHeaders: Headers | undefined;
  for (let hops = 0; ; hops += 1) {
    const response = await fetchOnce(session, target, url, ask, watch);
    firstHeaders ??= response.headers;
    if (!REDIRECT_STATUS.includes(response.status)) return { response, firstHeaders };
    void drainRedirect(response);
    const from = url;
    url = nextHop(session, target, from, response, hops);
    if (url.origin === from.origin) await macrotask();
  }
}

/** Lets the connection go back to the pool: the body of a redirect is a sentence, and a connection cancelled is lost. */
async function drainRedirect({ body }: Response): Promise<void> {
  const reader = body?.getReader();
  if (reader === undefined) return;
  try {
    for (let bytes = 0; bytes <= LONGEST_REDIRECT_BYTES; ) {
      const { value } = await reader.read();
      if (value === undefined) return;
      bytes += value.byteLength;
    }
    await reader.cancel();
  } catch {
    // Nothing of it was wanted.
  }
}

function nextHop(session: Session, target: HttpTarget, from: URL, response: Response, hops: number): URL {
  const refuse = (what: string) =>
    new InspectError(
      "http-status",
      `The redirect of ${target.label} was not followed: ${what}.`,
      whereOf(target, response.status, response.headers),
    );
  if (hops >= MAX_REDIRECTS) throw refuse(`there are more than ${MAX_REDIRECTS} in a row`);
  const location = response.headers.get("location");
  if (location === null || !URL.canParse(location, from)) throw refuse("it names no valid address");
  const next = atEndpoint(session, target, from, new URL(location, from));
  if (next.protocol !== "https:" && next.protocol !== "http:") throw refuse(`it leads to a ${next.protocol} address`);
  if (from.protocol === "https:" && next.protocol === "http:") throw refuse("it leads from https to http");
  if (next.username !== "" || next.password !== "") throw refuse("it carries a user name or password");
  return next;
}

/**
 * Mirrors pass on redirects that name the public hub (a renamed repo, the cache of small files); what they mirror is
 * asked of them. One that sends its own address there does not have the file.
 */
function atEndpoint(session: Session, target: HttpTarget, from: URL, next: URL): URL {
  const { endpoint } = session.options;
  if (target.hub !== true || next.origin !== PUBLIC_HUB || new URL(endpoint).origin === PUBLIC_HUB) return next;
  const mirrored = new URL(`${endpoint}${next.pathname}${next.search}`);
  return mirrored.href === from.href ? next : mirrored;
}

async function fetchOnce(
  session: Session,
  target: HttpTarget,
  url: URL,
  ask: HttpAsk,
  watch: Watch,
): Promise<Response> {
  const { fetch, redirects, token } = session.options;
  try {
    const headers = headersFor(session, target, url, ask);
    const response = await watch.wait(fetch(url, { headers, redirect: redirects, signal: watch.signal }));
    return answerWithoutToken(response, token);
  } catch (error) {
    if (watch.signal.aborted) throw watch.signal.reason;
    throw new InspectError(
      "network",
      `No connection for ${target.label}: ${withoutToken(reasonOf(error), token)}. Check the network, its proxy, and the address; without a network, use the offline option.`,
      { source: target.label },
      { cause: causeWithoutToken(error, token) },
    );
  }
}

function headersFor(session: Session, target: HttpTarget, url: URL, ask: HttpAsk): Headers {
  const headers = new Headers(target.accept === undefined ? {} : { Accept: target.accept });
  const token = tokenFor(session, url);
  if (token !== undefined) headers.set("Authorization", `Bearer ${token}`);
  if (ask.range !== undefined) headers.set("Range", `bytes=${ask.range.start}-${ask.range.end - 1}`);
  // fetch itself adds `Accept-Encoding: identity` to a ranged request (Fetch standard, HTTP-network-or-cache fetch).
  if (session.options.redirects === "manual") headers.set("User-Agent", USER_AGENT);
  return headers;
}

/** The token goes to the configured endpoint's origin and nowhere else, on every hop anew. */
function tokenFor(session: Session, url: URL): string | undefined {
  const { token, endpoint } = session.options;
  return token !== undefined && token !== "" && url.origin === new URL(endpoint).origin ? token : undefined;
}

/** The innermost reason: fetch itself only says "fetch failed". */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown failure";
  return error.cause instanceof Error && error.cause.message !== "" ? error.cause.message : error.message;
}

function readable(
  session: Session,
  target: HttpTarget,
  response: Response,
  firstHeaders: Headers,
  watch: Watch,
): Reply {
  const reader = response.body?.getReader();
  const { limits, token } = session.options;
  const { idleTimeoutMs } = limits;
  let waitedMs = 0;
  let cameBytes = 0;
  const cancel = () => {
    watch.end();
    reader?.cancel().catch(() => undefined);
  };

  async function drain(): Promise<void> {
    const timer = setTimeout(cancel, LONGEST_DRAIN_MS);
    try {
      for (;;) {
        const value = reader && (await watch.wait(reader.read())).value;
        if (value === undefined) return;
      }
    } catch {
      // Nothing of it was wanted.
    } finally {
      clearTimeout(timer);
      cancel();
    }
  }

  function requirePace(sinceMs: number, bytes: number): void {
    waitedMs += performance.now() - sinceMs;
    cameBytes += bytes;
    if (cameBytes >= LEAST_BYTES) {
      waitedMs = 0;
      cameBytes = 0;
    } else if (waitedMs > idleTimeoutMs) {
      cancel();
      throw new InspectError(
        "timeout",
        `Only ${cameBytes} bytes of ${target.label} arrived in ${idleTimeoutMs} ms (limits.idleTimeoutMs). Check the connection, or try again later.`,
        { source: target.label },
      );
    }
  }

  return {
    status: response.status,
    headers: response.headers,
    firstHeaders,
    async next() {
      if (reader === undefined) return undefined;
      const sinceMs = performance.now();
      let chunk: Uint8Array | undefined;
      try {
        chunk = (await watch.wait(reader.read())).value;
      } catch (error) {
        if (watch.signal.aborted) throw watch.signal.reason;
        throw new InspectError(
          "network",
          `The connection broke while ${target.label} was being read: ${withoutToken(reasonOf(error), token)}. Try again.`,
          { source: target.label },
          { cause: causeWithoutToken(error, token) },
        );
      }
      if (chunk === undefined) return undefined;
      session.addBytes(chunk.byteLength);
      requirePace(sinceMs, chunk.byteLength);
      return chunk;
    },
    cancel,
    drain: () => void drain(),
  };
}
