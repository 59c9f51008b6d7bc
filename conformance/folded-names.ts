/** Names that differ in numbers alone, written once: `a.{0-2,5}.b`. */

/** `a.{0-2,5}.b` as the names it stands for. */
export function namesOf(pattern: string): string[] {
  const [before = "", ranges, after] = splitAtRanges(pattern);
  if (ranges === undefined || after === undefined) return [pattern];
  return numbersOf(ranges).flatMap((number) => namesOf(after).map((rest) => `${before}${number}${rest}`));
}

function splitAtRanges(pattern: string): readonly (string | undefined)[] {
  const match = /^(.*?)\{([\d,-]+)\}(.*)$/.exec(pattern);
  return match === null ? [pattern] : match.slice(1);
}

function numbersOf(ranges: string): number[] {
  return ranges.split(",").flatMap((range) => {
    const [first = 0, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

/**
 * Entries whose names differ in their first number and that are otherwise alike, as one entry. The order of the first of
 * each is kept.
 */
export function foldNames(
  entries: readonly (readonly [name: string, value: string])[],
): [names: string, value: string][] {
  const groups = new Map<string, { readonly parts: readonly string[]; readonly value: string; numbers: number[] }>();
  for (const [name, value] of entries) {
    const [, before = name, number, after = ""] = /^(.*?\.)(\d+)(\..*)$/.exec(name) ?? [];
    const key = `${before}\n${after}\n${number === undefined}\n${value}`;
    const group = groups.get(key) ?? { parts: [before, after], value, numbers: [] };
    if (number !== undefined) group.numbers.push(Number(number));
    groups.set(key, group);
  }
  return [...groups.values()].map(({ parts: [before = "", after = ""], value, numbers }) => [
    numbers.length === 0 ? before : `${before}${numbers.length === 1 ? numbers[0] : `{${rangesOf(numbers)}}`}${after}`,
    value,
  ]);
}

function rangesOf(numbers: readonly number[]): string {
  const runs: [first: number, last: number][] = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const run = runs.at(-1);
    if (run !== undefined && run[1] + 1 === number) run[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(",");
}
