import { FLAG_GROUPS } from "./llama-cpp-flags.ts";

/** A flag as llama.cpp's own parser has it. */
export type PastedFlag = {
  /** The last of its names: the long one. */
  readonly name: string;
  readonly negated: boolean;
  readonly values: number;
  readonly ofServer: boolean;
};

/** Flags that earlier releases had, before `--load-mode`, and that many written-down command lines still have. */
const FORMER = ["--mmap ! --no-mmap", "--mlock", "-dio --direct-io ! -ndio --no-direct-io"];

function flagsOf(list: string, values: number, ofServer: boolean): [string, PastedFlag][] {
  const [names = "", negations = ""] = list.split(" ! ");
  const name = names.split(" ").at(-1) ?? "";
  const entries = (text: string, negated: boolean): [string, PastedFlag][] =>
    text === "" ? [] : text.split(" ").map((each) => [each, { name, negated, values, ofServer }]);
  return [...entries(names, false), ...entries(negations, true)];
}

/** Every name of every flag. */
export const PASTED_FLAGS: ReadonlyMap<string, PastedFlag> = new Map([
  ...FORMER.flatMap((list) => flagsOf(list, 0, false)),
  ...FLAG_GROUPS.flatMap(({ flags, values, ofServer }) => flags.flatMap((list) => flagsOf(list, values, ofServer))),
]);

/** What a word is to llama.cpp, which takes `_` for `-` in long names; undefined for no flag of its. */
export function pastedFlag(word: string): PastedFlag | undefined {
  return PASTED_FLAGS.get(word.startsWith("--") ? word.replaceAll("_", "-") : word);
}
