import { expect } from "vitest";
import { type InspectCode, type InspectError, isInspectError } from "../../src/errors.ts";
import { DEFAULT_LIMITS, type Limits } from "../../src/limits.ts";
import type { ByteSource } from "../../src/source/byte-source.ts";
import type { SourceOptions } from "../../src/source/resolved.ts";

/** Options with quick timeouts; `limits` are merged over the defaults. */
export function sourceOptions(
  given: Partial<Omit<SourceOptions, "limits">> & { limits?: Partial<Limits> } = {},
): SourceOptions {
  const { limits, ...rest } = given;
  return {
    fetch: globalThis.fetch,
    redirects: "manual",
    endpoint: "http://127.0.0.1:9",
    token: undefined,
    revision: undefined,
    offline: false,
    cacheDir: undefined,
    ollamaDir: undefined,
    timeoutMs: undefined,
    signal: undefined,
    onProgress: undefined,
    limits: { ...DEFAULT_LIMITS, idleTimeoutMs: 2_000, ...limits },
    ...rest,
  };
}

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Bytes that tell their position, so that a shifted read shows. */
export function pattern(bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => (i * 31 + (i >> 8)) & 0xff);
}

/** Compares bytes; vitest's own comparison takes seconds for a megabyte. */
export function expectBytes(actual: Uint8Array, expected: Uint8Array): void {
  expect([actual.byteLength, Buffer.compare(actual, expected)]).toEqual([expected.byteLength, 0]);
}

/** What a header reader does: takes chunks until `bytes` have come, then stops. */
export async function takeStream(source: ByteSource, bytes: number, signal?: AbortSignal): Promise<Uint8Array> {
  const taken = new Uint8Array(bytes);
  let at = 0;
  for await (const chunk of source.stream?.(0, signal) ?? []) {
    taken.set(chunk.subarray(0, bytes - at), at);
    at += Math.min(chunk.byteLength, bytes - at);
    if (at >= bytes) break;
  }
  return taken.subarray(0, at);
}

/** The error a promise rejects with, which must be an InspectError of the code. */
export async function failure(promise: Promise<unknown>, code: InspectCode): Promise<InspectError> {
  const error = await promise.then(
    () => new Error("it did not fail"),
    (reason: unknown) => reason,
  );
  if (!isInspectError(error, code)) throw error;
  expect(error.message).not.toMatch(/X-Signature|secret/);
  return error;
}
