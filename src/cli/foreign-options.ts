import { pastedFlag } from "./pasted-flags.ts";
import { MEANINGS } from "./pasted-meaning.ts";

/** Options of vLLM that people bring along. */
const VLLM: ReadonlySet<string> = new Set(
  "--max-model-len --gpu-memory-utilization --tensor-parallel-size --kv-cache-dtype --max-num-seqs".split(" "),
);

/**
 * Why the command line is refused when it holds an option of an engine that has no counterpart here (`isOwn`). Asked
 * before parsing, which would read `-dev` as `-d ev`.
 */
export function foreignReason(args: readonly string[], isOwn: (name: string) => boolean): string | undefined {
  for (const arg of args) {
    const name = arg.split("=", 1).join();
    if (isOwn(name)) continue;
    if (VLLM.has(name)) return `${name} is an option of vLLM, which this version does not weigh for`;
    const flag = pastedFlag(name);
    if (flag === undefined || !name.startsWith("-")) continue;
    const kind = MEANINGS.get(flag.name)?.kind;
    if (kind === "source") return `${name} is not needed: the source is given without it, or in a line after --`;
    if (kind === "uncounted") return `${name} is an option of llama.cpp that is not counted here`;
    return `${name} is an option of llama.cpp that nothing here depends on; a whole line of llama.cpp's goes after --`;
  }
  return undefined;
}
