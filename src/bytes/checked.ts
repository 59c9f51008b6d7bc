/**
 * Arithmetic on numbers that come from files. A result that is not a safe integer is `undefined`, never rounded:
 * the caller knows which tensor or key to name in its error.
 */

/** `value` as a number, when it is a non-negative integer that a number holds exactly. */
export function narrow(value: number | bigint): number | undefined {
  const narrowed = Number(value);
  return Number.isSafeInteger(narrowed) && narrowed >= 0 ? narrowed : undefined;
}

/** `a + b` of two non-negative integers. */
export function checkedAdd(a: number, b: number): number | undefined {
  return narrow(a + b);
}

/** `a * b` of two non-negative integers. A product that rounds is beyond 2^53, so the check sees it. */
export function checkedMultiply(a: number, b: number): number | undefined {
  return narrow(a * b);
}

/** Product of non-negative integers; 1 for none. One zero makes it 0, however large the others are. */
export function checkedProduct(factors: readonly number[]): number | undefined {
  if (factors.includes(0)) return 0;
  let product = 1;
  for (const factor of factors) {
    product *= factor;
    if (!Number.isSafeInteger(product)) return undefined;
  }
  return product;
}

/** The next multiple of `alignment` at or after `value`. */
export function checkedPad(value: number, alignment: number): number | undefined {
  const over = value % alignment;
  return over === 0 ? value : checkedAdd(value, alignment - over);
}
