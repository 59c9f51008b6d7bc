import { type InspectCode, InspectError, type InspectWhere } from "../errors.ts";
import type { HttpTarget } from "./http-request.ts";

/** A header that must be a non-negative safe integer; anything else counts as absent. */
export function integerHeader(headers: Headers, name: string): number | undefined {
  const text = headers.get(name);
  if (text === null || !/^\d{1,16}$/.test(text.trim())) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** Seconds the server asks to wait: `Retry-After` in either form, or `t=` of a `RateLimit` header with nothing remaining (draft 9). */
export function retryAfterSeconds(headers: Headers): number | undefined {
  const asked = integerHeader(headers, "retry-after");
  if (asked !== undefined) return asked;
  const date = httpDate(headers, "retry-after");
  // The server's own clock, where it tells: ours may differ.
  if (date !== undefined) return Math.max(0, Math.ceil((date - (httpDate(headers, "date") ?? Date.now())) / 1_000));
  const limit = /r=0\b.*?;\s*t=(\d{1,9})/.exec(headers.get("ratelimit") ?? "");
  // One second more than said, as huggingface_hub waits: the window ends within that second.
  return limit === null ? undefined : Number(limit[1]) + 1;
}

/** An HTTP date (`Sun, 06 Nov 1994 08:49:37 GMT`) in milliseconds; anything else counts as absent. */
function httpDate(headers: Headers, name: string): number | undefined {
  const text = headers.get(name)?.trim() ?? "";
  const at = /^[A-Z][a-z]{2}, .+ GMT$/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
}

type Verdict = { readonly code: InspectCode; readonly what: string };
type Rule = {
  readonly status: readonly number[];
  /** `X-Error-Code`, or part of `X-Error-Message`, that must be there. */
  readonly says?: string;
  readonly hubOnly?: boolean;
  readonly verdict: (target: HttpTarget, hasToken: boolean) => Verdict;
};

const askForToken = (hasToken: boolean, scope: string) =>
  hasToken ? `The token given may not ${scope}.` : `Pass a token that may ${scope}.`;

// Status and X-Error-Code of the hub: huggingface_hub ee0a451 utils/_http.py hf_raise_for_status. First match wins.
const RULES: readonly Rule[] = [
  {
    status: [401, 403],
    says: "GatedRepo",
    verdict: ({ label, claim }, hasToken) => ({
      code: "gated",
      what: `Access to ${label} is gated: its owner grants it per account. ${
        hasToken
          ? "The account of the token given was not granted access; ask for it on the model's page"
          : "Accept the terms on the model's page, then pass a token of that account"
      }.${claim === undefined ? "" : ` ${claim}.`}`,
    }),
  },
  {
    status: [401],
    says: "Invalid credentials",
    verdict: ({ label }) => ({
      code: "unauthorized",
      what: `The token was not accepted for ${label}: it is wrong, expired or revoked. Make a new one, or pass none for public models.`,
    }),
  },
  {
    status: [401, 404],
    says: "RevisionNotFound",
    verdict: ({ label }) => ({
      code: "revision-not-found",
      what: `${label} has no such revision. Check the branch, tag or commit.`,
    }),
  },
  {
    status: [404],
    says: "EntryNotFound",
    verdict: ({ label }) => ({
      code: "entry-not-found",
      what: `${label} does not exist at this revision. Check the path.`,
    }),
  },
  {
    status: [401, 404],
    hubOnly: true,
    verdict: ({ label }, hasToken) => ({
      code: "repo-not-found",
      what: `${label} does not exist, or is private. Check the spelling. ${askForToken(hasToken, "read it")}`,
    }),
  },
  {
    status: [401],
    verdict: ({ label }) => ({
      code: "unauthorized",
      what: `${label} asks for credentials, and the token is for the hub alone. Download the file first; a program may pass a fetch that sends them.`,
    }),
  },
  {
    status: [403],
    says: "disabled",
    verdict: ({ label }) => ({
      code: "forbidden",
      what: `${label} was disabled on the hub: no token opens it. Use another copy of the model.`,
    }),
  },
  {
    status: [403],
    verdict: ({ label }, hasToken) => ({
      code: "forbidden",
      what: `The server refuses access to ${label}. ${askForToken(hasToken, "read it")} A signed address may also have expired.`,
    }),
  },
  {
    status: [404, 410],
    verdict: ({ label }) => ({ code: "not-found", what: `There is nothing at ${label}. Check the address.` }),
  },
  {
    status: [429],
    verdict: ({ label }) => ({
      code: "rate-limited",
      what: `The server limits requests and refused ${label}. Wait, or pass a token for a higher limit.`,
    }),
  },
];

/** The error an unwelcome status stands for. The answer's body plays no part in it. */
export function statusError(target: HttpTarget, status: number, headers: Headers, hasToken: boolean): InspectError {
  const errorCode = headers.get("x-error-code") ?? "";
  const said = (headers.get("x-error-message") ?? "").slice(0, 300);
  const rule = RULES.find(
    (candidate) =>
      candidate.status.includes(status) &&
      (candidate.says === undefined || errorCode === candidate.says || said.includes(candidate.says)) &&
      (candidate.hubOnly !== true || target.hub === true),
  );
  const { code, what } = rule?.verdict(target, hasToken) ?? {
    code: "http-status" as const,
    what: `The server answered ${target.label} with status ${status}. Try again later.`,
  };
  const waitSeconds = retryAfterSeconds(headers);
  const wait = code === "rate-limited" && waitSeconds !== undefined ? ` It asks to wait ${waitSeconds} s.` : "";
  const quote = said === "" ? "" : ` The server says: ${said}`;
  return new InspectError(code, `${what}${wait}${quote}`, {
    ...whereOf(target, status, headers),
    ...(waitSeconds !== undefined && { retryAfterSeconds: waitSeconds }),
  });
}

/** Source, status and the server's own id of the request. */
export function whereOf(target: HttpTarget, status: number, headers: Headers): InspectWhere {
  const requestId = headers.get("x-request-id") ?? headers.get("x-amzn-trace-id") ?? headers.get("x-amz-cf-id");
  return { source: target.label, status, ...(requestId !== null && { requestId }) };
}
