/** What stands where a server sent the token back. */
const MASK = "[token]";
/** Statuses whose answers have no body. */
const NO_BODY: readonly number[] = [101, 204, 205, 304];

/** `text` without the token: servers, and errors of a caller's `fetch`, may repeat it. */
export function withoutToken(text: string, token: string | undefined): string {
  return token === undefined || token === "" ? text : text.replaceAll(token, MASK);
}

/**
 * An answer whose headers do not hold the token. Headers end up in messages, in the result and, as `Location` and
 * `Link`, in requests to other origins; no later step needs to think of it.
 */
export function answerWithoutToken(response: Response, token: string | undefined): Response {
  if (token === undefined || token === "") return response;
  const { body, headers, status } = response;
  if (![...headers.values()].some((value) => value.includes(token))) return response;
  const clean = new Headers([...headers].map(([name, value]) => [name, withoutToken(value, token)]));
  return new Response(NO_BODY.includes(status) ? null : body, { status, headers: clean });
}

/**
 * A failure of `fetch` as a cause to hand on: its name, message, stack and code, and those of its own causes. Some
 * clients attach the request, credentials included, to the errors they throw.
 */
export function causeWithoutToken(error: unknown, token: string | undefined, depth = 3): Error {
  if (!(error instanceof Error)) return new Error(withoutToken(String(error), token));
  const cause = error.cause === undefined || depth === 0 ? undefined : causeWithoutToken(error.cause, token, depth - 1);
  const copy = new Error(withoutToken(error.message, token), cause === undefined ? {} : { cause });
  const code = "code" in error && typeof error.code === "string" ? { code: withoutToken(error.code, token) } : {};
  return Object.assign(copy, { name: error.name, stack: withoutToken(error.stack ?? "", token) }, code);
}
