import { Command, Option } from "commander";
import type { Device } from "../runtimes/device.ts";
import { CACHE_TYPE_NAMES } from "../runtimes/llama-cpp/cache-type.ts";
import type { LlamaCppCacheType, LlamaCppWorkload } from "../runtimes/llama-cpp/workload.ts";
import { SHORT_NAMES } from "./aliases.ts";
import { type CompanionFlags, companionOptions } from "./companion-options.ts";
import { HELP_AFTER, HELP_SUMMARY } from "./help.ts";
import { type PlacementFlags, placementOptions } from "./placement-options.ts";
import { parseRuntime, RUNTIME_NAMES, type RuntimeChoice } from "./runtime-choice.ts";
import { addRuntimeOptions } from "./runtime-options/runtime-options.ts";
import { parseCount, parseDevice, parseDuration, parseFlashAttention, parseTokens, parseWord } from "./values.ts";

/** Options as commander hands them over, already parsed. */
export type Flags = CompanionFlags &
  PlacementFlags & {
    readonly all?: true;
    /** False with `--no-cache`. */
    readonly headerCache?: false;
    readonly json?: true;
    readonly tensors?: true;
    readonly revision?: string;
    readonly token?: string;
    readonly endpoint?: string;
    readonly offline?: true;
    readonly timeout?: number;
    readonly strict?: true;
    readonly runtime?: readonly (RuntimeChoice | "all")[];
    readonly context?: number;
    readonly sequences?: number;
    readonly device?: readonly Device[];
    readonly preset?: NonNullable<LlamaCppWorkload["preset"]>;
    readonly batchSize?: number;
    readonly ubatchSize?: number;
    readonly cacheType?: LlamaCppCacheType;
    readonly cacheTypeK?: LlamaCppCacheType;
    readonly cacheTypeV?: LlamaCppCacheType;
    readonly flashAttn?: "auto" | "on" | "off";
    readonly kvUnified?: boolean;
    readonly swaFull?: true;
    readonly embeddings?: true;
    readonly threads?: number;
  };

function option<Value>(
  flags: string,
  words: string,
  parse: (text: string, earlier: Value | undefined) => Value,
): Option {
  return new Option(flags, words).argParser(parse);
}

/** `--cache`, of which it is no opposite, is transformers' cache: it has a name of its own here. */
function withoutHeaderCache(): Option {
  const negated = new Option("--no-cache", "neither keep headers on disk nor use those kept");
  negated.attributeName = () => "headerCache";
  return negated;
}

function shortName({ long }: Option): string {
  const short = SHORT_NAMES.get(long ?? "");
  return short === undefined ? "" : `${short}, `;
}

/** The options of the command line. Parsing throws a `CommanderError` instead of ending the process. */
export function makeProgram(version: string): Command {
  const parseCacheType = parseWord(CACHE_TYPE_NAMES);
  const program = new Command("weighin")
    .configureHelp({ optionTerm: (each) => [shortName(each), each.flags].join("") })
    .description(HELP_SUMMARY)
    .usage("<source...> [options] [-- <command line of llama.cpp>]")
    .argument(
      "[sources...]",
      "file, directory, URL, or Hugging Face repo: org/name, org/name:Q4_K_M, org/name@revision",
    )
    .optionsGroup("Workload:")
    .addOption(
      option("-c, --context <tokens>", "tokens of context: 8192, 32k, 1M (default: the trained context)", parseTokens),
    )
    .addOption(option("-s, --sequences <count>", "sequences kept at once", parseCount))
    .addOption(
      option("-d, --device <memory>", "what it has to fit: 24GiB, cuda:24GiB, metal:16GiB, cpu:32GiB", parseDevice),
    )
    .addOption(
      option<readonly (RuntimeChoice | "all")[]>(
        "-r, --runtime <name>",
        `${RUNTIME_NAMES.join(", ")} or all; may be repeated`,
        (text, earlier = []) => [...earlier, parseRuntime(text)],
      ),
    )
    .optionsGroup("llama.cpp:")
    .addOption(
      option(
        "--preset <name>",
        "whose defaults: tool, cli, server, library, ollama, lm-studio",
        parseWord(["tool", "cli", "server", "library", "ollama", "lm-studio"]),
      ),
    )
    .addOption(option("--cache-type <type>", "type of keys and values: f16, q8_0, q4_0, ...", parseCacheType))
    .addOption(option("--cache-type-k <type>", "type of keys", parseCacheType))
    .addOption(option("--cache-type-v <type>", "type of values", parseCacheType))
    .addOption(option("-b, --batch-size <tokens>", "tokens of a logical batch", parseCount))
    .addOption(option("--ubatch-size <tokens>", "tokens of a physical batch", parseCount))
    .addOption(option("--flash-attn <mode>", "on, off or auto", parseFlashAttention))
    .addOption(new Option("--kv-unified", "one pool of cells for all sequences"))
    .addOption(new Option("--no-kv-unified", "one cache per sequence, also with --preset server"))
    .addOption(new Option("--swa-full", "sliding-window layers keep the whole context"))
    .addOption(new Option("--embeddings", "embeddings are put out, as by an embedding server"))
    .addOption(option("-t, --threads <count>", "threads of the CPU", parseCount))
    .optionsGroup("llama.cpp, where things lie:");
  for (const placement of placementOptions()) program.addOption(placement);
  program.optionsGroup("llama.cpp, models beside it:");
  for (const companion of companionOptions(CACHE_TYPE_NAMES)) program.addOption(companion);
  addRuntimeOptions(program);
  return program
    .optionsGroup("Output:")
    .option("--json", "print { model, memory } as JSON and nothing else")
    .option("--all", "every model of a repo or directory, side by side")
    .option("--tensors", "list every tensor; with --json, include them")
    .optionsGroup("Reading:")
    .option("--revision <name>", "branch, tag or commit of the repo")
    .option("--token <token>", "Hugging Face token; better kept in HF_TOKEN")
    .option("--endpoint <url>", "address of the hub, or of a mirror")
    .option("--offline", "read the local cache only")
    .addOption(withoutHeaderCache())
    .addOption(option("--timeout <seconds>", "give up after: 30, 30s, 500ms, 2m", parseDuration))
    .option("--strict", "treat what would be a note as an error")
    .optionsGroup("Other:")
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", HELP_AFTER)
    .exitOverride();
}
