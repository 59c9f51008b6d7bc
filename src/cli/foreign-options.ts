type Reason = { readonly names: string; readonly reason: string };

/** Options people bring along from the engines, and why they are refused. */
const REASONS: readonly Reason[] = [
  { names: "-m --model -hf --hf-repo", reason: "is not needed: the source is given without it" },
  {
    names: "-ngl --gpu-layers --n-gpu-layers",
    reason: "is not supported in this version: every layer is laid out on the device given",
  },
  {
    names:
      "-ot --override-tensor -cmoe --cpu-moe -ncmoe --n-cpu-moe -ts --tensor-split -sm --split-mode -mg --main-gpu " +
      "-nkvo --no-kv-offload --no-op-offload -nr --no-repack --mmap --no-mmap --mlock",
    reason: "is an option of llama.cpp that this version does not support: the figures would ignore it",
  },
  {
    names: "--max-model-len --gpu-memory-utilization --tensor-parallel-size --kv-cache-dtype --max-num-seqs",
    reason: "is an option of vLLM, which this version does not weigh for",
  },
];

const REASON_BY_NAME: ReadonlyMap<string, string> = new Map(
  REASONS.flatMap(({ names, reason }) => names.split(" ").map((name) => [name, reason] as const)),
);

/**
 * Why the command line is refused when it holds an option of an engine that has no counterpart here. Asked before
 * parsing, which would read `-sm row` as `-s m`.
 */
export function foreignReason(args: readonly string[]): string | undefined {
  const end = args.indexOf("--");
  const names = (end === -1 ? args : args.slice(0, end)).map((arg) => arg.split("=", 1).join());
  const name = names.find((candidate) => REASON_BY_NAME.has(candidate));
  return name === undefined ? undefined : `${name} ${REASON_BY_NAME.get(name)}`;
}
