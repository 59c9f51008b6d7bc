import { CommanderError } from "commander";
import type { Device } from "../runtimes/device.ts";
import type { RuntimeName, WorkloadOf } from "../runtimes/workload.ts";
import { ALIASES } from "./aliases.ts";
import { type CompanionRequest, companionRequest, companionWorkload } from "./companion-options.ts";
import { devicesOf } from "./devices.ts";
import { foreignReason } from "./foreign-options.ts";
import { type Pasted, readPasted } from "./pasted.ts";
import { type PlacementWord, placementWorkload, watchPlacement } from "./placement-options.ts";
import { type Flags, makeProgram } from "./program.ts";
import type { RuntimeChoice } from "./runtime-choice.ts";
import { runtimeWorkloads } from "./runtime-options/runtime-options.ts";
import { UsageError } from "./usage-error.ts";

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
  /** Models to weigh, one at least. */
  readonly sources: readonly string[];
  /** Every model of the repo or directory, side by side. */
  readonly all: boolean;
  /** Headers may be kept on disk, and taken from there. */
  readonly cache: boolean;
  readonly json: boolean;
  readonly tensors: boolean;
  readonly reading: ReadingFlags;
  /** `all`: every runtime that can load the model. Undefined: the first of them. */
  readonly runtimes: readonly RuntimeChoice[] | "all" | undefined;
  readonly common: {
    readonly contextTokens?: number;
    readonly sequences?: number;
    readonly devices?: readonly Device[];
  };
  /** Models to read beside it. */
  readonly companions?: CompanionRequest;
  readonly own: { readonly [runtime in RuntimeName]: Own<WorkloadOf[runtime]> };
  /** Lines for standard error: what of the command line was not used, or was assumed. */
  readonly notes: readonly string[];
};

/** A request, or text to print instead of one (`--help`, `--version`). */
export type ParsedArguments =
  | { readonly kind: "request"; readonly request: Request }
  | { readonly kind: "text"; readonly text: string };

/** Arguments with llama.cpp's names replaced by the names here. */
function translate(args: readonly string[]): string[] {
  return args.map((arg) => {
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
function ownOptions(flags: Flags, placement: readonly PlacementWord[]): Request["own"] {
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
      embeddings: flags.embeddings,
      threads: flags.threads,
      ...placementWorkload(flags, placement),
      ...companionWorkload(flags),
    }),
    ...runtimeWorkloads(flags),
  };
}

function pastedNotes(pasted: Pasted | undefined): readonly string[] {
  const { ignored = [], uncounted = [] } = pasted ?? {};
  return [
    ...(ignored.length === 0 ? [] : [`ignored, as nothing here depends on it: ${ignored.join(", ")}`]),
    ...(uncounted.length === 0 ? [] : [`not counted, though it may take memory: ${uncounted.join(", ")}`]),
  ];
}

function withoutRepeats(runtimes: readonly RuntimeChoice[]): readonly RuntimeChoice[] {
  return [...new Map(runtimes.map((runtime) => [JSON.stringify(runtime), runtime])).values()];
}

function toRequest(
  sources: readonly string[],
  { flags, placement }: Omit<Typed, "sources">,
  pasted: Pasted | undefined,
): Request {
  const own = ownOptions(flags, placement);
  const { devices, notes } = devicesOf(flags.device, pasted?.deviceNames, own["llama.cpp"]);
  const named = flags.runtime?.flatMap((runtime) => (runtime === "all" ? [] : runtime));
  return {
    sources,
    all: flags.all ?? false,
    cache: flags.headerCache !== false,
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
    runtimes: flags.runtime?.includes("all") ? "all" : named && withoutRepeats(named),
    common: given({
      contextTokens: flags.context === 0 ? undefined : flags.context,
      sequences: flags.sequences,
      devices,
    }),
    ...given({ companions: companionRequest(flags) }),
    own,
    notes: [...pastedNotes(pasted), ...notes],
  };
}

/** `error: unknown option '--contxt'\n(Did you mean --context?)` as one line. */
function usageMessage(error: CommanderError): string {
  return error.message.replace(/^error: /, "").replace(/\s*\n\s*/g, " ");
}

type Typed = {
  readonly sources: readonly string[];
  readonly flags: Flags;
  readonly placement: readonly PlacementWord[];
};

/** What was typed, or what to print instead. */
function parseWords(words: readonly string[], version: string): Typed | { readonly text: string } {
  let text = "";
  const program = makeProgram(version).configureOutput({
    writeOut: (piece) => {
      text += piece;
    },
    writeErr: () => {},
    getOutHelpWidth: () => 80,
  });
  const placement = watchPlacement(program);
  try {
    program.parse(words, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { text };
    throw new UsageError(usageMessage(error));
  }
  return { flags: program.opts<Flags>(), sources: program.args, placement };
}

/** Every name of an option here. */
function ownNames(version: string): ReadonlySet<string> {
  const names = makeProgram(version).options.flatMap(({ short, long }) => [short, long]);
  return new Set(["-h", "--help", ...names.filter((name) => name !== undefined)]);
}

/** Reads a command line, without the program's own name. Throws {@link UsageError}. */
export function parseArguments(args: readonly string[], version: string): ParsedArguments {
  const end = args.indexOf("--");
  const before = end === -1 ? args : args.slice(0, end);
  const words = translate(before);
  const names = ownNames(version);
  const foreign = foreignReason(words, (name) => names.has(name));
  if (foreign !== undefined) throw new UsageError(foreign);
  const own = parseWords(words, version);
  if ("text" in own) return { kind: "text", text: own.text };
  const pasted = end === -1 ? undefined : readPasted(args.slice(end + 1), own.sources.length > 0);
  // What stands before `--` is read last, and wins.
  const all = pasted === undefined ? own : parseWords([...pasted.args, ...words], version);
  if ("text" in all) return { kind: "text", text: all.text };
  const sources = own.sources.length > 0 || pasted?.source === undefined ? own.sources : [pasted.source];
  if (sources.length === 0) {
    throw new UsageError("which model? Give a file, a directory, a URL, or a repo: org/name");
  }
  return { kind: "request", request: toRequest(sources, all, pasted) };
}
