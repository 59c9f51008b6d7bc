import { type Command, InvalidArgumentError, Option } from "commander";
import type { LlamaCppWorkload, RepackingCpu, TensorOverride } from "../runtimes/llama-cpp/workload.ts";
import { gpuName, namedGpu } from "./device-names.ts";
import { parseIndex, parseLayers, parseShares, parseWord } from "./values.ts";

/** Flags for where llama.cpp puts things, under its own names. */
export type PlacementFlags = {
  readonly nGpuLayers?: number | "all";
  readonly splitMode?: NonNullable<LlamaCppWorkload["splitMode"]>;
  readonly mainGpu?: number;
  readonly tensorSplit?: readonly number[];
  readonly overrideTensor?: readonly TensorOverride[];
  readonly cpuMoe?: true;
  readonly nCpuMoe?: number;
  readonly nCpuFfn?: number;
  readonly kvOffload?: boolean;
  readonly opOffload?: boolean;
  /** False for `--no-host`. */
  readonly host?: boolean;
  /** Whether the file is mapped. */
  readonly loadMode?: boolean;
  readonly repack?: RepackingCpu;
};

export function placementOptions(): readonly Option[] {
  return [
    new Option("--n-gpu-layers <count>", "layers on GPUs: 20, all").argParser(parseLayers),
    new Option("--split-mode <mode>", "layer; none: all on one GPU; tensor").argParser(
      parseWord(["none", "layer", "row", "tensor"]),
    ),
    new Option("--main-gpu <index>", "that GPU, from 0").argParser(parseIndex),
    new Option("--tensor-split <shares>", "share of each GPU: 3,1").argParser(parseShares),
    new Option("--override-tensor <rules>", "pattern=device, first match first: 'exps=CPU'").argParser(parseOverrides),
    new Option("--cpu-moe", "experts stay on the CPU"),
    new Option("--n-cpu-moe <count>", "those of the first blocks").argParser(parseIndex),
    new Option("--n-cpu-ffn <count>", "dense feed-forward parts of the first blocks").argParser(parseIndex),
    new Option("--kv-offload", "the cache lies with its layers (default)").hideHelp(),
    new Option("--no-kv-offload", "the cache stays on the CPU"),
    new Option("--op-offload", "large batches bring weights to the GPU (default)").hideHelp(),
    new Option("--no-op-offload", "weights on the CPU are used there"),
    new Option("--no-host", "weights on the CPU are not pinned"),
    new Option("--load-mode <mode>", "mmap counts what is mapped of the file").argParser(parseLoadMode),
    new Option("--repack <cpu>", "weights reordered for avx2, avx512 or neon").argParser(
      parseWord(["avx2", "avx512", "neon"]),
    ),
  ];
}

/** llama.cpp's words; `auto` is left to its devices, and counted as what stays in memory. */
function parseLoadMode(text: string): boolean {
  return parseWord(["auto", "none", "mmap", "mlock", "mmap+mlock", "dio"])(text).startsWith("mmap");
}

/** `exps=CPU,blk\.1\.=CUDA0`: rules with commas between, the device after the first `=` (`parse_tensor_buffer_overrides`). */
function parseOverrides(text: string, earlier: readonly TensorOverride[] = []): readonly TensorOverride[] {
  return [...earlier, ...text.split(",").map(parseOverride)];
}

function parseOverride(rule: string): TensorOverride {
  const at = rule.indexOf("=");
  const [pattern, name] = [rule.slice(0, at), rule.slice(at + 1)];
  const gpu = namedGpu(name);
  const device = /^cpu$/i.test(name) ? "CPU" : gpu === undefined ? undefined : gpuName(gpu.index);
  if (at < 1 || device === undefined)
    throw new InvalidArgumentError("Write pattern=device: 'exps=CPU', with CPU, CUDA0, MTL0 or GPU0.");
  if (!isPattern(pattern)) throw new InvalidArgumentError(`${pattern} is no regular expression.`);
  return { pattern, device };
}

function isPattern(text: string): boolean {
  try {
    return new RegExp(text) !== undefined;
  } catch {
    return false;
  }
}

const RULES = ["override-tensor", "cpu-moe", "n-cpu-moe", "n-cpu-ffn"] as const;

/** One of the rules that say where a tensor goes, in the order of the command line. */
export type PlacementWord = {
  readonly flag: (typeof RULES)[number];
  readonly value: string;
};

/** Keeps the order in which the rules are given, which decides between them. */
export function watchPlacement(program: Command): readonly PlacementWord[] {
  const words: PlacementWord[] = [];
  for (const flag of RULES) {
    program.on(`option:${flag}`, (value: string | null) => void words.push({ flag, value: value ?? "" }));
  }
  return words;
}

/** `common/common.h`, LLM_FFN_EXPS_REGEX and LLM_FFN_DENSE_REGEX. */
const EXPERTS = "\\.ffn_(up|down|gate|gate_up)_(ch|)exps";
const DENSE = "\\.ffn_(up|down|gate)\\.";

/** Blocks that a model of llama.cpp's may have (`src/llama-hparams.h:11`): there is nothing to keep back beyond. */
const MAX_BLOCKS = 512;

function rulesOf({ flag, value }: PlacementWord): readonly TensorOverride[] {
  if (flag === "override-tensor") return parseOverrides(value);
  if (flag === "cpu-moe") return [{ pattern: EXPERTS, device: "CPU" }];
  const part = flag === "n-cpu-moe" ? EXPERTS : DENSE;
  const count = Math.min(Number(value), MAX_BLOCKS);
  return Array.from({ length: count }, (_, block) => ({ pattern: `blk\\.${block}${part}`, device: "CPU" }));
}

/** What of the flags is an option of the workload. */
export function placementWorkload(
  flags: PlacementFlags,
  words: readonly PlacementWord[],
): { [Key in keyof LlamaCppWorkload]?: LlamaCppWorkload[Key] | undefined } {
  return {
    gpuLayers: flags.nGpuLayers,
    splitMode: flags.splitMode,
    mainGpu: flags.mainGpu,
    tensorSplit: flags.tensorSplit?.length === 0 ? undefined : flags.tensorSplit,
    ...rulesInOrder(flags, words),
    offloadCache: flags.kvOffload,
    operatorOffload: flags.opOffload,
    // The parser says true where nothing is said.
    pinnedHost: flags.host === false ? false : undefined,
    memoryMap: flags.loadMode,
    repack: flags.repack,
  };
}

/** The library asks `overrideTensors` first; where another rule stands before one of these, all become these. */
function rulesInOrder(flags: PlacementFlags, words: readonly PlacementWord[]): ReturnType<typeof placementWorkload> {
  const lastOverride = words.findLastIndex(({ flag }) => flag === "override-tensor");
  if (words.slice(0, Math.max(lastOverride, 0)).some(({ flag }) => flag !== "override-tensor")) {
    return { overrideTensors: words.flatMap(rulesOf) };
  }
  return {
    overrideTensors: flags.overrideTensor,
    cpuMoeLayers: flags.cpuMoe === true ? "all" : flags.nCpuMoe,
    cpuFeedForwardLayers: flags.nCpuFfn,
  };
}
