import { InspectError } from "../errors.ts";
import { type JsonScanner, scanJson } from "./json-scanner.ts";

/** A number not written as a plain integer: `2.0`, `2e0`, `-0`, `1e400`. Its text says what it was. */
export type JsonDecimal = { readonly decimal: string };

export type StrictJsonOptions = {
  readonly label: string;
  /** Byte offset of the text in that source; 0 when it is the whole of it. */
  readonly offset?: number;
  readonly maxDepth: number;
};

/**
 * Scans JSON as RFC 8259 and the safetensors reference read it: every key once, no lone surrogates, integers
 * exact. Throws `invalid-json`, `duplicate-key` or `limit-exceeded`, with the position.
 */
export function scanStrictJson(text: string, options: StrictJsonOptions): JsonScanner<JsonDecimal> {
  return scanJson<JsonDecimal>(text, {
    label: options.label,
    offset: options.offset ?? 0,
    maxDepth: options.maxDepth,
    duplicateKeys: "reject",
    loneSurrogates: "reject",
    constants: new Map(),
    decimal: (token) => ({ decimal: token }),
  });
}

/** Bytes as text. Throws `invalid-utf8`; a byte order mark stays in the text, where no JSON may have one. */
export function decodeUtf8(bytes: Uint8Array, label: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new InspectError("invalid-utf8", `${label}: the text is not valid UTF-8.`, { source: label }, { cause });
  }
}
