import { PASTED_FLAGS } from "./pasted-flags.ts";
import { negationOf, SAME_OPTIONS } from "./pasted-meaning.ts";
import { RUNTIME_ALIASES } from "./runtime-options/runtime-options.ts";

/** Engines' names for what has another here. Those of one letter stand with the options: `-c8k` is the parser's to read. */
export const ALIASES: ReadonlyMap<string, string> = new Map([
  ...[...PASTED_FLAGS].flatMap(([name, flag]): (readonly [name: string, own: string])[] => {
    const option = SAME_OPTIONS.get(flag.name);
    if (option === undefined || /^-[a-z]$/.test(name)) return [];
    const own = flag.negated ? negationOf(option) : option;
    return name === own ? [] : [[name, own]];
  }),
  ["--no-mmproj-auto", "--no-mmproj"],
  ...RUNTIME_ALIASES,
]);

/** The first short name of each option that has one; the parser itself has no place for more than one letter. */
export const SHORT_NAMES: ReadonlyMap<string, string> = new Map(
  [...ALIASES]
    .filter(([name]) => !name.startsWith("--"))
    .reverse()
    .map(([name, own]) => [own, name]),
);
