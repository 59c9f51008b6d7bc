import { type PastedFlag, pastedFlag } from "./pasted-flags.ts";
import { isStandIn, MEANINGS, negationOf, SOURCES } from "./pasted-meaning.ts";
import { UsageError } from "./usage-error.ts";

/** A command line of llama.cpp's, in the words of this one. */
export type Pasted = {
  readonly source: string | undefined;
  /** Options here, to be read before those that stand before `--`. */
  readonly args: readonly string[];
  /** Names of `--device`; empty for `none`. */
  readonly deviceNames: readonly string[] | undefined;
  /** Flags that change no memory, as written. */
  readonly ignored: readonly string[];
  /** Flags whose memory is not counted, as written. */
  readonly uncounted: readonly string[];
};

/** One flag with its values, as written. */
type Given = PastedFlag & { readonly written: string; readonly texts: readonly string[] };

const ASSIGNMENT = /^[A-Za-z_][A-Za-z0-9_]*=/;
const PROGRAM = /^(?:.*[\\/])?(llama(?:-[a-z0-9-]+)?)(?:\.exe)?$/i;
/** Programs of llama.cpp that do not read `common/arg.cpp`. */
const OTHER_PROGRAMS = /^llama-(?:bench|quantize|gguf|gguf-split|gguf-hash|q8dot|vdot|qwen2vl-cli)$/;
const PRESETS: ReadonlyMap<string, string> = new Map([
  ["llama-server", "server"],
  ["llama-serve", "server"],
  ["llama-cli", "cli"],
  ["llama-client", "cli"],
]);

/** Slots of a server that are not told (`tools/server/server.cpp:159`). */
const AUTOMATIC_SLOTS = 4;

/** Kinds of speculative decoding that are counted: by MTP blocks, or by the model of `--model-draft`. */
const COUNTED_DRAFTS: ReadonlySet<string> = new Set(["none", "draft-simple", "draft-mtp"]);

/** Reads what stands after `--`. Throws {@link UsageError} where llama.cpp itself would. */
export function readPasted(words: readonly string[], hasSource: boolean): Pasted {
  const first = words.findIndex((word) => !ASSIGNMENT.test(word));
  const variables = words.slice(0, Math.max(first, 0));
  const start = readStart(words.slice(variables.length), hasSource);
  const given = readFlags(start.rest);
  const isServer = start.program === undefined && given.some(({ ofServer }) => ofServer);
  const preset = start.preset ?? (isServer ? "server" : undefined);
  // A server that chooses the number of its slots unifies their cache, whatever it is told (`tools/server/server.cpp:160`).
  const isUnified = preset === "server" && slotsOf(given) === undefined;
  const isIdle = ({ name }: Given): boolean => isUnified && name === "--kv-unified";
  const used = given.filter((flag) => !isIdle(flag));
  const kinds = (kind: "ignored" | "uncounted"): string[] =>
    given.filter((flag) => (isIdle(flag) ? "ignored" : kindOf(flag, hasSource)) === kind).map(({ written }) => written);
  return {
    source: start.source ?? sourceOf(given),
    args: [...(preset === undefined ? [] : [`--preset=${preset}`]), ...used.flatMap(ownArguments), ...derived(given)],
    deviceNames: deviceNamesOf(given),
    ignored: [...new Set([...variables.map(variableName), ...kinds("ignored")])],
    uncounted: [...new Set(kinds("uncounted"))],
  };
}

type Start = {
  readonly rest: readonly string[];
  readonly program?: string;
  readonly preset?: string | undefined;
  readonly source?: string;
};

/** Its value may be a token, which is not to be repeated. */
function variableName(assignment: string): string {
  const [name = ""] = assignment.split("=", 1);
  if (name.startsWith("LLAMA_ARG_")) throw new UsageError(`${name} sets an option: write the option instead`);
  return name;
}

/** A leading program, or the source where none was given. */
function readStart(words: readonly string[], hasSource: boolean): Start {
  const [first, ...rest] = words;
  if (first === undefined || first.startsWith("-")) return { rest: words };
  const name = PROGRAM.exec(first)?.[1]?.toLowerCase();
  // `llama serve` is llama-server.
  const program = name === "llama" ? `llama-${rest.shift() ?? ""}` : name;
  if (program === undefined) return hasSource ? { rest: words } : { rest, source: first };
  if (OTHER_PROGRAMS.test(program)) {
    throw new UsageError(
      `${program} has options of its own, which are not read here: llama-server's and llama-cli's are`,
    );
  }
  return { rest, program, preset: PRESETS.get(program) };
}

function readFlags(words: readonly string[]): readonly Given[] {
  const given: Given[] = [];
  for (let index = 0; index < words.length; ) {
    const written = words[index] ?? "";
    const flag = pastedFlag(written);
    if (flag === undefined) throw new UsageError(unknownWord(written));
    const texts = words.slice(index + 1, index + 1 + flag.values);
    const next = texts.find((text) => pastedFlag(text) !== undefined);
    if (texts.length < flag.values) throw new UsageError(`${written} wants a value, and the line ends`);
    if (next !== undefined) throw new UsageError(`${written} wants a value, and ${next} follows`);
    if (isStandIn(flag.name)) {
      throw new UsageError(`${written} stands for a model and its settings: give them by name instead`);
    }
    given.push({ ...flag, written, texts });
    index += 1 + flag.values;
  }
  return given;
}

function unknownWord(word: string): string {
  const [name = "", value] = word.split("=", 2);
  if (!word.startsWith("-")) return `llama.cpp takes no argument '${word}'; a value that holds spaces needs quotes`;
  if (value !== undefined && pastedFlag(name) !== undefined) {
    return `llama.cpp takes a value after a space: ${name} ${value}`;
  }
  return `llama.cpp has no option ${name}; after -- stand options of llama.cpp alone, those of weighin before it`;
}

/** What is said of a flag; `used` is not said. */
function kindOf({ name, negated, texts }: Given, hasSource: boolean): "used" | "ignored" | "uncounted" {
  const meaning = MEANINGS.get(name);
  if (meaning === undefined) return "ignored";
  if (meaning.kind === "source") return hasSource ? "ignored" : "used";
  // Nothing is reordered unless asked for.
  if (meaning.kind === "uncounted") return negated && name === "--repack" ? "used" : "uncounted";
  if (name === "--spec-type") {
    return (texts[0] ?? "").split(",").every((type) => COUNTED_DRAFTS.has(type)) ? "used" : "uncounted";
  }
  return "used";
}

function ownArguments({ name, negated, texts: [value] }: Given): readonly string[] {
  const meaning = MEANINGS.get(name);
  if (name === "--mmproj-auto") return negated ? ["--no-mmproj"] : [];
  if (name === "--spec-type") return value?.split(",").includes("draft-mtp") ? ["--spec-type=draft-mtp"] : [];
  if (meaning?.kind !== "own") return [];
  // What is left to the machine there is left out here.
  if ((name === "--parallel" || name === "--threads") && value?.startsWith("-")) return [];
  if (value !== undefined) return [`${meaning.flag}=${name === "--hf-repo-draft" ? hubSource(value) : value}`];
  return [negated ? negationOf(meaning.flag) : meaning.flag];
}

/** The value of a flag; of several the last holds. */
function lastOf(given: readonly Given[], flag: string): string | undefined {
  return given.findLast(({ name }) => name === flag)?.texts[0];
}

/** Undefined where their number is left to the server. */
function slotsOf(given: readonly Given[]): number | undefined {
  const slots = Number(lastOf(given, "--parallel"));
  return slots > 0 ? slots : undefined;
}

/** What follows from several flags together. */
function derived(given: readonly Given[]): readonly string[] {
  const batchThreads = lastOf(given, "--threads-batch");
  const perSlot = lastOf(given, "--kv-unified-per-slot");
  return [
    ...(batchThreads === undefined || batchThreads.startsWith("-") ? [] : [`--threads=${batchThreads}`]),
    ...(perSlot === undefined || lastOf(given, "--ctx-size") !== undefined
      ? []
      : [`--context=${Number(perSlot) * (slotsOf(given) ?? AUTOMATIC_SLOTS)}`]),
  ];
}

/** The model: of several, the one that llama.cpp would load. */
function sourceOf(given: readonly Given[]): string | undefined {
  const flag = SOURCES.find((name) => lastOf(given, name) !== undefined);
  const source = flag === undefined ? undefined : lastOf(given, flag);
  if (flag !== "--hf-repo" || source === undefined) return source;
  const file = lastOf(given, "--hf-file");
  return file === undefined ? hubSource(source) : `${hubSource(source.split(":", 1).join())}/${file}`;
}

/** A repo, even where a folder has its name. */
function hubSource(repo: string): string {
  return `hf://${repo}`;
}

function deviceNamesOf(given: readonly Given[]): readonly string[] | undefined {
  const list = lastOf(given, "--device");
  return list === "none" ? [] : list?.split(",");
}
