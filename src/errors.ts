/**
 * Everything that can be wrong with a model, a source or a call has a stable code. The same codes name
 * diagnostics (a problem that does not stop reading); `strict: true` turns a diagnostic into an error.
 *
 * @example
 * ```ts
 * import type { InspectCode } from "weighin";
 *
 * const worthRetrying: readonly InspectCode[] = ["network", "timeout", "rate-limited"];
 * ```
 */
export type InspectCode =
  // the call
  | "invalid-option"
  | "invalid-source"
  // finding the bytes
  | "not-found"
  | "not-a-file"
  | "unreadable"
  | "no-model"
  | "missing-shard"
  | "unsafe-path"
  | "source-changed"
  // the hub and HTTP
  | "repo-not-found"
  | "revision-not-found"
  | "entry-not-found"
  | "quant-not-found"
  | "gated"
  | "unauthorized"
  | "forbidden"
  | "offline"
  | "network"
  | "timeout"
  | "rate-limited"
  | "http-status"
  | "range-not-supported"
  | "server-warning"
  // the container
  | "truncated"
  | "trailing-bytes"
  | "wrong-format"
  | "bad-magic"
  | "unsupported-version"
  | "limit-exceeded"
  | "invalid-header"
  | "invalid-json"
  | "invalid-utf8"
  | "invalid-metadata"
  | "invalid-alignment"
  | "invalid-tensor"
  | "invalid-offset"
  | "unknown-dtype"
  | "overflow"
  | "duplicate-key"
  | "duplicate-tensor"
  | "shard-mismatch"
  | "index-mismatch"
  // the model
  | "unknown-architecture"
  | "inconsistent-model"
  | "unknown-cache"
  | "undecoded-weights"
  // the runtimes
  | "unsupported-runtime"
  | "unsupported-option"
  | "not-counted"
  | "graphs-not-loaded"
  | "does-not-start";

/**
 * Where the problem is. Only the fields that are known are present.
 *
 * @example
 * ```ts
 * import { inspectModel, isInspectError } from "weighin";
 *
 * const error = await inspectModel("./nowhere.gguf").catch((reason: unknown) => reason);
 * if (isInspectError(error)) console.log(error.where.source); // ./nowhere.gguf
 * ```
 */
export type InspectWhere = {
  /** Label of the source: a path, a URL without its query, or a repo id. */
  readonly source?: string;
  /** Byte offset in that source. */
  readonly offset?: number;
  /** Tensor name, as the file says it. */
  readonly tensor?: string;
  /** Metadata or configuration key. */
  readonly key?: string;
  /** HTTP status, where a server answered. */
  readonly status?: number;
  /** The server's own id of the failed request, to quote when asking for help. */
  readonly requestId?: string;
  /** How long the server asked to wait. */
  readonly retryAfterSeconds?: number;
};

/**
 * The one error this library throws for a bad model, source or call. The message says what is wrong, with the
 * numbers, then what to do. An abort is not an `InspectError`: it rejects with the caller's own reason.
 *
 * @example
 * ```ts
 * import { InspectError } from "weighin";
 *
 * // A ByteSource of your own rejects with the same errors.
 * const error = new InspectError("network", "the bucket did not answer", { source: "bucket/model.gguf" });
 * console.log(error.code); // network
 * ```
 */
export class InspectError extends Error {
  override readonly name: string = "InspectError";
  readonly code: InspectCode;
  readonly where: InspectWhere;

  constructor(code: InspectCode, message: string, where: InspectWhere = {}, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.where = where;
  }
}

/**
 * True when `error` is an {@link InspectError}, optionally of one code. Checks by shape, so that it also holds
 * when two copies of the package are installed.
 *
 * @example
 * ```ts
 * import { inspectModel, isInspectError } from "weighin";
 *
 * try {
 *   await inspectModel("./nowhere.gguf");
 * } catch (error) {
 *   if (isInspectError(error, "not-found")) console.log(error.code); // not-found
 *   else throw error;
 * }
 * ```
 */
export function isInspectError(error: unknown, code?: InspectCode): error is InspectError {
  if (!(error instanceof Error) || error.name !== "InspectError" || !("code" in error)) return false;
  return code === undefined || error.code === code;
}
