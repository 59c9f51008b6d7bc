import type { Reporter } from "../diagnostics.ts";
import type { Limits } from "../limits.ts";

/** What every header reader is given besides its source. */
export type ReadingOptions = {
  readonly limits: Limits;
  readonly report: Reporter;
  readonly signal: AbortSignal | undefined;
  /** Index of this file in its set, copied into every tensor entry. */
  readonly file: number;
};
