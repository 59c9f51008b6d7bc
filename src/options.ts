import { InspectError } from "./errors.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits.ts";
import type { HeaderCache } from "./source/header-cache.ts";
import type { Progress, SourceOptions } from "./source/resolved.ts";

/**
 * How to reach the model and how strict to be. Every field is optional.
 *
 * @example
 * ```ts
 * import { inspectModel, type InspectOptions } from "weighin";
 *
 * const options: InspectOptions = { strict: true, timeoutMs: 30_000 };
 * const model = await inspectModel("fixtures/files/demo.gguf", options);
 * ```
 */
export type InspectOptions = {
  /** Used for every request. Default: the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
  /** Base URL of the hub. Default `https://huggingface.co`. */
  readonly endpoint?: string;
  /** Access token, sent to the endpoint's origin only. */
  readonly token?: string;
  /** Branch, tag or commit of a hub repo. Default: what the source string says, else `main`. */
  readonly revision?: string;
  /** No requests: hub ids are looked up in `cacheDir`. Default false. */
  readonly offline?: boolean;
  /** A Hugging Face cache (`…/hub`), for `offline`. */
  readonly cacheDir?: string;
  /** Ollama's store (`~/.ollama/models`): `ollama://` names are looked up there first. Default: none. */
  readonly ollamaDir?: string;
  /** Where headers of files at a commit are kept, so that a second look takes no request for them. Default: nowhere. */
  readonly headerCache?: HeaderCache;
  /** Milliseconds for the whole inspection. Default: none. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Budgets to override. */
  readonly limits?: Partial<Limits>;
  /** Turns diagnostics into errors. Default false. */
  readonly strict?: boolean;
  readonly onProgress?: (progress: Progress) => void;
};

type Kind = "function" | "string" | "boolean" | "positive integer" | "AbortSignal" | "object";

const KINDS: { readonly [option in keyof InspectOptions]-?: Kind } = {
  fetch: "function",
  endpoint: "string",
  token: "string",
  revision: "string",
  offline: "boolean",
  cacheDir: "string",
  ollamaDir: "string",
  headerCache: "object",
  timeoutMs: "positive integer",
  signal: "AbortSignal",
  limits: "object",
  strict: "boolean",
  onProgress: "function",
};

/** Checks the options of `inspectModel` and fills in their defaults. */
export function resolveOptions(options: InspectOptions, redirects: SourceOptions["redirects"]): SourceOptions {
  if (!isKind(options, "object")) {
    throw new InspectError("invalid-option", `options must be an object, got ${String(options)}`);
  }
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const kind = isOption(name) ? KINDS[name] : undefined;
    if (kind === undefined) {
      const known = Object.keys(KINDS).join(", ");
      throw new InspectError("invalid-option", `options.${name} is not an option; there are: ${known}`, { key: name });
    }
    if (!isKind(value, kind)) {
      throw new InspectError("invalid-option", `options.${name} must be a ${kind}, got ${String(value)}`, {
        key: name,
      });
    }
  }
  return {
    fetch: options.fetch ?? globalThis.fetch,
    redirects,
    endpoint: checkEndpoint(options.endpoint ?? "https://huggingface.co"),
    token: checkToken(options.token),
    revision: options.revision,
    offline: options.offline ?? false,
    cacheDir: options.cacheDir,
    ollamaDir: options.ollamaDir,
    headerCache: options.headerCache,
    timeoutMs: options.timeoutMs,
    signal: options.signal,
    limits: resolveLimits(options.limits ?? {}),
    onProgress: options.onProgress,
  };
}

function isOption(name: string): name is keyof InspectOptions {
  return Object.hasOwn(KINDS, name);
}

function isKind(value: unknown, kind: Kind): boolean {
  if (kind === "positive integer") return Number.isSafeInteger(value) && Number(value) > 0;
  if (kind === "AbortSignal") return value instanceof AbortSignal;
  if (kind === "object") return typeof value === "object" && value !== null;
  return typeof value === kind;
}

/** Checked here, since an error of `Headers` would quote the token. */
function checkToken(token: string | undefined): string | undefined {
  if (token === undefined || /^[!-~]*$/.test(token)) return token;
  throw new InspectError(
    "invalid-option",
    "options.token must be the hub's token alone: ASCII characters without spaces or line breaks",
    { key: "token" },
  );
}

function checkEndpoint(endpoint: string): string {
  if (endpoint.includes("@")) {
    throw new InspectError(
      "invalid-option",
      "options.endpoint must hold no user name or password: they are not sent. A program may pass a fetch that sends them",
      { key: "endpoint" },
    );
  }
  if (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol) || /[?#]/.test(endpoint)) {
    throw new InspectError(
      "invalid-option",
      `options.endpoint must be an http(s) URL without query, got ${JSON.stringify(endpoint)}`,
      {
        key: "endpoint",
      },
    );
  }
  return endpoint.replace(/\/+$/, "");
}

function resolveLimits(given: Partial<Limits>): Limits {
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(DEFAULT_LIMITS, name)) {
      throw new InspectError("invalid-option", `options.limits.${name} is not a limit`, { key: name });
    }
    if (!isKind(value, "positive integer")) {
      throw new InspectError(
        "invalid-option",
        `options.limits.${name} must be a positive integer, got ${String(value)}`,
        {
          key: name,
        },
      );
    }
  }
  return { ...DEFAULT_LIMITS, ...given };
}
