import { describe, expect, it } from "vitest";
import { makeSlots } from "../../src/source/slots.ts";

describe("places for what is read at once", () => {
  it("are given in order of asking, and no more than there are", async () => {
    const slots = makeSlots(2);
    const order: string[] = [];
    const first = await slots.take(undefined);
    const second = await slots.take(undefined);
    expect(slots.tryTake()).toBeUndefined();
    const takeAs = async (name: string) => {
      const release = await slots.take(undefined);
      order.push(name);
      return release;
    };
    const third = takeAs("third");
    const fourth = takeAs("fourth");
    await Promise.resolve();
    expect(order).toEqual([]);
    second();
    (await third)();
    await fourth;
    expect(order).toEqual(["third", "fourth"]);
    expect(slots.tryTake()).toBeUndefined();
    first();
    expect(slots.tryTake()).toBeDefined();
  });

  it("are given back once, however often that is said", async () => {
    const slots = makeSlots(1);
    const release = await slots.take(undefined);
    release();
    release();
    expect(slots.tryTake()).toBeDefined();
    expect(slots.tryTake()).toBeUndefined();
  });

  it("are not waited for after an abort, which takes none", async () => {
    const slots = makeSlots(1);
    const release = await slots.take(undefined);
    const stop = new AbortController();
    const waiting = slots.take(stop.signal);
    stop.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    release();
    expect(slots.tryTake()).toBeDefined();
    await expect(async () => slots.take(stop.signal)).rejects.toThrow("enough");
  });
});
