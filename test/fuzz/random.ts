/** Numbers that follow from a seed alone, so that every finding can be made again. */
export type Random = {
  /** A whole number from 0 up to, not including, `end`. */
  below(end: number): number;
  pick<T>(values: readonly T[]): T;
};

/** Mulberry32: 32 bits of state, good enough to choose where to break a file. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const below = (end: number): number => (end <= 1 ? 0 : next() % end);
  return {
    below,
    pick: (values) => {
      const value = values[below(values.length)];
      if (value === undefined) throw new Error("nothing to pick from");
      return value;
    },
  };
}
