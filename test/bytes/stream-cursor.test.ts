import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeStreamCursor, type StreamBounds } from "../../src/bytes/stream-cursor.ts";

const BYTES = Uint8Array.from({ length: 256 }, (_, index) => index);

type Pulled = { chunks: number; ended: boolean };

function cursorOver(
  lengths: readonly number[],
  bounds: Partial<StreamBounds> = {},
  pulled: Pulled = { chunks: 0, ended: false },
) {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      for (let at = 0, next = 0; at < BYTES.length; next++) {
        const end = Math.min(BYTES.length, at + lengths[next % lengths.length]!);
        pulled.chunks++;
        yield BYTES.slice(at, end);
        at = end;
      }
    } finally {
      pulled.ended = true;
    }
  }
  return makeStreamCursor(chunks(), {
    label: "model",
    sizeBytes: BYTES.length,
    limitBytes: 1_000,
    limitName: "ggufHeaderBytes",
    signal: undefined,
    ...bounds,
  });
}

describe("makeStreamCursor", () => {
  it("gives every byte once and in order, however they arrive and are taken", async () => {
    const lengths = fc.array(fc.nat(40), { minLength: 1 }).filter((list) => list.some((length) => length > 0));
    const steps = fc.array(fc.tuple(fc.constantFrom("take", "skip"), fc.nat(30)));
    await fc.assert(
      fc.asyncProperty(lengths, steps, async (lengths, steps) => {
        const cursor = cursorOver(lengths);
        for (const [step, length] of steps) {
          const from = cursor.offset;
          if (length > cursor.readableBytes) break;
          if (step === "skip") {
            await cursor.skip(length, "it");
          } else {
            if (!cursor.has(length)) await cursor.fill(length, "it");
            expect([...cursor.take(length)]).toEqual([...BYTES.subarray(from, from + length)]);
          }
          expect(cursor.offset).toBe(from + length);
          expect(cursor.window()[0] ?? BYTES[cursor.offset]).toBe(BYTES[cursor.offset]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("rejects a length beyond the source at once, before pulling a byte", async () => {
    const pulled = { chunks: 0, ended: false };
    const cursor = cursorOver([10], {}, pulled);
    for (const length of [257, 2n ** 64n]) {
      const rejected = {
        code: "truncated",
        message: expect.stringContaining(`${BigInt(length) - 256n} bytes before the end`),
      };
      await expect(cursor.fill(length, "a string")).rejects.toMatchObject(rejected);
      await expect(cursor.skip(length, "a string")).rejects.toMatchObject(rejected);
      expect(() => cursor.require(length, "a string")).toThrow(expect.objectContaining({ code: "truncated" }));
    }
    expect(pulled.chunks).toBe(0);
  });

  it("stops at its limit and names it", async () => {
    const pulled = { chunks: 0, ended: false };
    const cursor = cursorOver([100], { limitBytes: 100 }, pulled);
    await cursor.fill(100, "it");
    expect(cursor.window()).toHaveLength(100);
    await expect(cursor.fill(101, "it")).rejects.toMatchObject({
      code: "limit-exceeded",
      message: expect.stringContaining("limits.ggufHeaderBytes"),
    });
    expect(pulled.chunks).toBe(1);
  });

  it("never shows bytes beyond the stated length", async () => {
    const cursor = cursorOver([100], { sizeBytes: 150 });
    await cursor.skip(120, "it");
    expect(cursor.window()).toHaveLength(30);
    expect(cursor.readableBytes).toBe(30);
  });

  it("rejects a stream that ends early as truncated", async () => {
    const cursor = cursorOver([100], { sizeBytes: 300 });
    await expect(cursor.fill(300, "it")).rejects.toMatchObject({
      code: "truncated",
      message: expect.stringContaining("ended at byte 256"),
    });
  });

  it("ends the stream when closed, whether the source manages to stop or not", async () => {
    const pulled = { chunks: 0, ended: false };
    const cursor = cursorOver([10], {}, pulled);
    await cursor.fill(1, "it");
    await cursor.close();
    expect(pulled.ended).toBe(true);
    const failing = makeStreamCursor(
      {
        [Symbol.asyncIterator]: () => ({
          next: async () => ({ done: true, value: undefined }),
          return: () => Promise.reject(new Error()),
        }),
      },
      { label: "model", sizeBytes: 0, limitBytes: 0, limitName: "x", signal: undefined },
    );
    await expect(failing.close()).resolves.toBeUndefined();
  });

  it("passes on what the source rejects with, and the caller's own reason on abort", async () => {
    const broken = new Error("connection reset");
    const failing = makeStreamCursor(
      { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(broken) }) },
      { label: "model", sizeBytes: 9, limitBytes: 9, limitName: "x", signal: undefined },
    );
    await expect(failing.fill(1, "it")).rejects.toBe(broken);
    const reason = { my: "reason" };
    const cursor = cursorOver([10], { signal: AbortSignal.abort(reason) });
    await expect(cursor.skip(1, "it")).rejects.toBe(reason);
  });
});
