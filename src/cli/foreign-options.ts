import { pastedFlag } from "./pasted-flags.ts";
import { MEANINGS } from "./pasted-meaning.ts";

/**
 * Why the command line is refused when it holds an option of an engine that has no counterpart here (`isOwn`). Asked
 * before parsing, which would read `-dev` as `-d ev`.
 */
export function foreignReason(args: readonly string[], isOwn: (name: string) => boolean): string | undefined {
  for (const arg of args) {
    const name = arg.split("=", 1).join();
    if (isOwn(name)) continue;
    const flag = pastedFlag(name);
    if (flag === undefined || !name.startsWith("-")) continue;
    const kind = MEANINGS.get(flag.name)?.kind;
    if (kind === "source") return `${name} is not needed: the source is given without it, or in a line after --`;
    if (kind === "uncounted") return `${name} is an option of llama.cpp that is not counted here`;
    return `${name} is an option of llama.cpp that nothing here depends on; a whole line of llama.cpp's goes after --`;
  }
  return undefined;
}
