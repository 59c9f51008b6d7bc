import { quote } from "../bytes/printable.ts";
import type { Reporter } from "../diagnostics.ts";

/** What a key says of one layer. */
export type PerLayer = (layer: number) => number | undefined;

/**
 * Typed, range-checked access to the keys of a GGUF file or a config.json. Several names are aliases, best first. A
 * value of the wrong type or size is reported once and reads as absent.
 */
export type Keys = {
  /** For messages: `GGUF keys`, `config.json`. */
  readonly origin: string;
  /** A width or count, at most 2^24. */
  integer(...names: readonly string[]): number | undefined;
  /** A number of tokens, at most 2^32 - 1. */
  tokens(...names: readonly string[]): number | undefined;
  /** A finite number that need not be an integer. */
  decimal(...names: readonly string[]): number | undefined;
  flag(...names: readonly string[]): boolean | undefined;
  /** An array of integers; booleans count as 0 and 1, other entries as undefined. */
  list(...names: readonly string[]): readonly (number | undefined)[] | undefined;
  text(...names: readonly string[]): string | undefined;
  /** An array of strings. */
  words(...names: readonly string[]): readonly string[] | undefined;
  /** A scalar that holds for every layer, or an array with an entry per layer. */
  perLayer(...names: readonly string[]): PerLayer | undefined;
  /** Names whose value was refused so far, each as often as it was asked for. */
  readonly refused: readonly string[];
};

/**
 * No width of a model comes near: 262,208 (a vocabulary) is the largest seen. With it, every product of two widths is
 * exact.
 */
const LARGEST_DIMENSION: number = 2 ** 24;

const LARGEST_TOKENS = 2 ** 32 - 1;

/** Finds a key by the first of its names that is there; undefined when none is. */
export type KeyLookup = (names: readonly string[]) => { readonly name: string; readonly value: unknown } | undefined;

/** Makes {@link Keys} over any store of values. */
export function makeKeys(origin: string, lookup: KeyLookup, report: Reporter): Keys {
  const refused: string[] = [];
  const reported = new Set<string>();

  function refuse(name: string, value: unknown, expected: string): undefined {
    refused.push(name);
    if (reported.has(name)) return undefined;
    reported.add(name);
    report("inconsistent-model", `${origin}: ${quote(name)} is ${shown(value)}, not ${expected}; it is ignored.`, name);
    return undefined;
  }

  /** The value, unless absent or an explicit none, once `accept` has made it what is wanted. */
  function read<Wanted>(names: readonly string[], expected: string, accept: (value: unknown) => Wanted | undefined) {
    const found = lookup(names);
    if (found === undefined || found.value === null || found.value === undefined) return undefined;
    return accept(found.value) ?? refuse(found.name, found.value, expected);
  }

  const integer = (names: readonly string[], largest: number): number | undefined =>
    read(names, `an integer from 0 to ${largest}`, (value) => asInteger(value, largest));

  const list = (...names: readonly string[]): readonly (number | undefined)[] | undefined => {
    const found = lookup(names);
    if (found === undefined || !Array.isArray(found.value)) return undefined;
    return found.value.map((entry: unknown) => asInteger(entry, LARGEST_DIMENSION));
  };

  return {
    origin,
    refused,
    integer: (...names) => integer(names, LARGEST_DIMENSION),
    tokens: (...names) => integer(names, LARGEST_TOKENS),
    decimal: (...names) =>
      read(names, "a number", (value) => (typeof value === "number" && Number.isFinite(value) ? value : undefined)),
    flag: (...names) => read(names, "true or false", asFlag),
    list,
    text: (...names) => read(names, "a text", (value) => (typeof value === "string" ? value : undefined)),
    words: (...names) =>
      read(names, "a list of texts", (value) =>
        Array.isArray(value) && value.every((entry) => typeof entry === "string") ? value : undefined,
      ),
    perLayer: (...names) => {
      const entries = list(...names);
      if (entries !== undefined) return (layer) => entries[layer];
      const scalar = integer(names, LARGEST_DIMENSION);
      return scalar === undefined ? undefined : () => scalar;
    },
  };
}

function asInteger(value: unknown, largest: number): number | undefined {
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value !== "number" || !Number.isInteger(value)) return undefined;
  return value >= 0 && value <= largest ? value : undefined;
}

function asFlag(value: unknown): boolean | undefined {
  if (typeof value === "boolean") return value;
  return value === 0 ? false : value === 1 ? true : undefined;
}

function shown(value: unknown): string {
  if (typeof value === "string") return quote(value);
  if (typeof value === "symbol") return value.description ?? "";
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === "object" ? "an object" : String(value);
}
