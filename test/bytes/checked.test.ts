import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkedAdd, checkedMultiply, checkedPad, checkedProduct, narrow } from "../../src/bytes/checked.ts";

const LARGEST = Number.MAX_SAFE_INTEGER;
const whole = fc.oneof(fc.nat(), fc.maxSafeNat());

/** What the checked functions must agree with: the exact result, when a number can hold it. */
function exact(result: bigint): number | undefined {
  return result <= BigInt(LARGEST) ? Number(result) : undefined;
}

describe("checked arithmetic", () => {
  it("equals exact arithmetic, or is undefined where a number would round", () => {
    fc.assert(
      fc.property(whole, whole, (a, b) => {
        expect(checkedAdd(a, b)).toBe(exact(BigInt(a) + BigInt(b)));
        expect(checkedMultiply(a, b)).toBe(exact(BigInt(a) * BigInt(b)));
      }),
    );
  });

  it("multiplies any list exactly", () => {
    fc.assert(
      fc.property(fc.array(whole, { maxLength: 5 }), (factors) => {
        expect(checkedProduct(factors)).toBe(exact(factors.reduce((product, factor) => product * BigInt(factor), 1n)));
      }),
    );
  });

  it("makes a product 0 when one factor is, however large the others are", () => {
    expect(checkedProduct([LARGEST, LARGEST, 0])).toBe(0);
    expect(checkedProduct([])).toBe(1);
  });

  it("pads beyond 2^31 and 2^32, where 32-bit masks go wrong", () => {
    expect(checkedPad(2 ** 31 + 1, 32)).toBe(2 ** 31 + 32);
    expect(checkedPad(2 ** 40, 2 ** 31)).toBe(2 ** 40);
    expect(checkedPad(1, 2 ** 31)).toBe(2 ** 31);
    expect(checkedPad(0, 64)).toBe(0);
    expect(checkedPad(LARGEST, 32)).toBeUndefined();
  });

  it("narrows only what a number holds exactly and is not negative", () => {
    expect(narrow(BigInt(LARGEST))).toBe(LARGEST);
    expect(narrow(BigInt(LARGEST) + 1n)).toBeUndefined();
    expect(narrow(-1)).toBeUndefined();
    expect(narrow(1.5)).toBeUndefined();
    expect(narrow(Number.NaN)).toBeUndefined();
  });
});
