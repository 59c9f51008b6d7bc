import { CommanderError } from "commander";
import type { Device, LlamaCppWorkload, RuntimeName, TransformersWorkload } from "../runtimes/workload.ts";
import { COMPANION_ALIASES, type CompanionRequest, companionRequest, companionWorkload } from "./companion-options.ts";
import { foreignReason } from "./foreign-options.ts";
import { type Flags, makeProgram } from "./program.ts";

/** A command line that asks for nothing that can be done. The message names the option and the accepted forms. */
export class UsageError extends Error {
  override readonly name: string = "UsageError";
}

/** Options for reading; those not given are absent. */
export type ReadingFlags = {
  readonly revision?: string;
  readonly token?: string;
  readonly endpoint?: string;
  readonly offline?: true;
  readonly timeoutMs?: number;
  readonly strict?: true;
};

/** Options of one runtime alone. */
type Own<Workload> = Omit<Workload, "runtime" | "contextTokens" | "sequences" | "devices">;

/** What the command line asks for. */
export type Request = {
  readonly source: string;
  readonly json: boolean;
  readonly tensors: boolean;
  readonly reading: ReadingFlags;
  /** `all`: every runtime that can load the model. Undefined: the first of them. */
  readonly runtimes: readonly RuntimeName[] | "all" | undefined;
  readonly common: {
    readonly contextTokens?: number;
    readonly sequences?: number;
    readonly devices?: readonly Device[];
  };
  /** Models to read beside it. */
  readonly companions?: CompanionRequest;
  readonly own: { readonly "llama.cpp": Own<LlamaCppWorkload>; readonly transformers: Own<TransformersWorkload> };
};

/** A request, or text to print instead of one (`--help`, `--version`). */
export type ParsedArguments =
  | { readonly kind: "request"; readonly request: Request }
  | { readonly kind: "text"; readonly text: string };

/** llama.cpp's names for what already has one here, and its short options of more than one letter. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ["--ctx-size", "--context"],
  ["-np", "--sequences"],
  ["--parallel", "--sequences"],
  ["-ctk", "--cache-type-k"],
  ["-ctv", "--cache-type-v"],
  ["-ub", "--ubatch-size"],
  ["-fa", "--flash-attn"],
  ["-kvu", "--kv-unified"],
  ...COMPANION_ALIASES,
]);

/** Arguments with llama.cpp's names replaced by the names here. */
function translate(args: readonly string[]): string[] {
  const end = args.indexOf("--");
  return args.map((arg, index) => {
    if (end !== -1 && index >= end) return arg;
    const [name = "", ...value] = arg.split("=");
    const known = ALIASES.get(name);
    return known === undefined ? arg : [known, ...value].join("=");
  });
}

type Given<Fields> = { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> };

/** Fields that are not undefined. */
function given<Fields extends object>(fields: Fields): Given<Fields> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<Fields>;
}

/** Options of one runtime alone, by the names the library has for them. */
function ownOptions(flags: Flags): Request["own"] {
  return {
    "llama.cpp": given({
      preset: flags.preset,
      batchTokens: flags.batchSize,
      microBatchTokens: flags.ubatchSize,
      cacheTypeK: flags.cacheTypeK ?? flags.cacheType,
      cacheTypeV: flags.cacheTypeV ?? flags.cacheType,
      flashAttention: flags.flashAttn,
      unifiedCache: flags.kvUnified,
      fullSlidingWindowCache: flags.swaFull,
      ...companionWorkload(flags),
    }),
    transformers: given({ promptTokens: flags.promptTokens, dtype: flags.dtype, cache: flags.cache }),
  };
}

function toRequest(source: string, flags: Flags): Request {
  const runtimes = flags.runtime === undefined ? undefined : [...new Set(flags.runtime)];
  const named = runtimes?.flatMap((runtime) => (runtime === "all" ? [] : runtime));
  return {
    source,
    json: flags.json ?? false,
    tensors: flags.tensors ?? false,
    reading: given({
      revision: flags.revision,
      // As from the environment: a pasted line break is no part of it.
      token: flags.token?.trim(),
      endpoint: flags.endpoint,
      offline: flags.offline,
      timeoutMs: flags.timeout,
      strict: flags.strict,
    }),
    runtimes: runtimes?.includes("all") ? "all" : named,
    common: given({
      contextTokens: flags.context === 0 ? undefined : flags.context,
      sequences: flags.sequences,
      devices: flags.device,
    }),
    ...given({ companions: companionRequest(flags) }),
    own: ownOptions(flags),
  };
}

/** `error: unknown option '--contxt'\n(Did you mean --context?)` as one line. */
function usageMessage(error: CommanderError): string {
  if (error.code === "commander.missingArgument")
    return "which model? Give a file, a directory, a URL, or a repo: org/name";
  if (error.code === "commander.excessArguments") return "one model at a time; a name that holds spaces needs quotes";
  return error.message.replace(/^error: /, "").replace(/\s*\n\s*/g, " ");
}

/** Reads a command line, without the program's own name. Throws {@link UsageError}. */
export function parseArguments(args: readonly string[], version: string): ParsedArguments {
  let text = "";
  const program = makeProgram(version).configureOutput({
    writeOut: (piece) => {
      text += piece;
    },
    writeErr: () => {},
    getOutHelpWidth: () => 80,
  });
  const foreign = foreignReason(args);
  if (foreign !== undefined) throw new UsageError(foreign);
  try {
    program.parse(translate(args), { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: "text", text };
    throw new UsageError(usageMessage(error));
  }
  return { kind: "request", request: toRequest(program.args[0] ?? "", program.opts<Flags>()) };
}
