import { readFileSync } from "node:fs";
import { join } from "node:path";
import { makeReporter } from "../src/diagnostics.ts";
import { inspectModel } from "../src/inspect.ts";
import { DEFAULT_LIMITS } from "../src/limits.ts";
import { ARCHITECTURES } from "../src/model/architectures/registry.ts";
import { buildModel } from "../src/model/build.ts";
import { parseConfig } from "../src/model/config.ts";
import type { AttentionMixer, LatentMixer, Mixer } from "../src/model/mixer.ts";
import { PROVEN_ARCHITECTURES } from "../src/runtimes/llama-cpp/proven.ts";
import { PROVEN_MODEL_TYPES } from "../src/runtimes/transformers/proven.ts";
import { writeKeys } from "./llama-cpp/architectures/keys.ts";
import { ENGINE_WITHOUT } from "./llama-cpp/architectures/unasked.ts";
import { type ArchitectureRow, readArchitectures, readGolden } from "./llama-cpp/golden.ts";
import { FIXTURE_FILES, ROOT } from "./paths.ts";

export const ARCHITECTURES_DOC: string = join(ROOT, "docs/architectures.md");

/** The whole of `docs/architectures.md`, from the tables of architectures and the golden numbers. */
export async function architecturesDoc(): Promise<string> {
  const { engine, rows } = readArchitectures("architectures");
  const saved = readArchitectures("saved-models").rows;
  return `# Architectures

Written by \`npm run generate\`; a test holds it against the tables in \`src/model/architectures/\` and the golden
numbers in \`conformance/\`. How to add one: \`adding-an-architecture.md\`.

## GGUF, as llama.cpp ${engine.version} loads it

Cache bytes were asked of the engine for ${new Set(rows.map((row) => row.architecture)).size} architectures, by ${rows.length} sets of keys, at up to six settings each
(windows, streams, one pool, full windows, q8_0, no flash attention): ${answersIn(rows)} answers, all equal to weighin's. So are
${answersIn(saved)} about ${saved.length} models with all their tensors that llama.cpp's own test of its architectures saves.
"Keys" counts the sets of keys, "files" the fixtures with tensors, all of whose figures are held against the engine.

| architecture | layers | proof |
| --- | --- | --- |
${(await ggufLines(rows)).join("\n")}

Of the names that the engine has, these have no cache figure: ${ENGINE_WITHOUT.map(({ name, why }) => `\`${name}\` (${why})`).join(", ")}.

## config.json, as transformers loads it

| model_type | layers, by the class defaults | proof |
| --- | --- | --- |
${configLines().join("\n")}
`;
}

function answersIn(rows: readonly ArchitectureRow[]): number {
  return rows.flatMap((row) => row.contextBytes).filter((answer) => answer !== null).length;
}

async function ggufLines(rows: readonly ArchitectureRow[]): Promise<string[]> {
  const files = await fixtureArchitectures();
  const names = ARCHITECTURES.flatMap(({ gguf }) => gguf.flatMap((rules) => rules.names)).sort();
  return Promise.all(
    names.map(async (name) => {
      const own = rows.filter(({ architecture }) => architecture === name);
      const models = await Promise.all(own.map((row) => inspectModel(keysFile(row))));
      const mixers = models.flatMap(({ layers }) => layers.map(({ mixer }) => mixer));
      const known = files.get(name);
      const shown = mixers.length > 0 ? mixers : (known?.mixers ?? []);
      const proof = [
        ...(own.length > 0 ? [`keys: ${own.length}`] : []),
        ...(known === undefined ? [] : [`files: ${known.count}`]),
      ];
      return line(name, shown, PROVEN_ARCHITECTURES.has(name) ? proof.join(", ") : "derived");
    }),
  );
}

function keysFile({ architecture, keys }: ArchitectureRow): Blob {
  return new Blob([new Uint8Array(writeKeys(architecture, keys))]);
}

/** Fixtures with golden numbers, by architecture. */
async function fixtureArchitectures(): Promise<Map<string, { count: number; mixers: Mixer[] }>> {
  const found = new Map<string, { count: number; mixers: Mixer[] }>();
  for (const path of new Set(readGolden("fixtures").rows.map((row) => row.model))) {
    const { architecture, layers } = await inspectModel(join(FIXTURE_FILES, path));
    const entry = found.get(architecture ?? "") ?? { count: 0, mixers: [] };
    found.set(architecture ?? "", entry);
    entry.count += 1;
    entry.mixers.push(...layers.map(({ mixer }) => mixer));
  }
  return found;
}

function configLines(): string[] {
  const names = ARCHITECTURES.flatMap(({ config }) => config.flatMap((rules) => rules.modelTypes)).sort();
  return names.map((name) => {
    const { layers } = buildModel({
      format: "safetensors",
      config: parseConfig(JSON.stringify({ model_type: name }), DEFAULT_LIMITS, "config.json"),
      metadata: new Map(),
      tensors: [],
      limits: DEFAULT_LIMITS,
      report: makeReporter([], false),
    });
    const mixers = layers.flatMap(({ mixer, cross }) => (cross === undefined ? mixer : [mixer, cross]));
    return line(name, mixers, PROVEN_MODEL_TYPES.has(name) ? "runs of transformers" : "derived");
  });
}

function line(name: string, mixers: readonly Mixer[], proof: string): string {
  const words = [...new Set(mixers.map(mixerWords))].join("; ");
  return `| \`${name}\` | ${words} | ${proof} |`;
}

/** A mixer without its sizes. */
function mixerWords(mixer: Mixer): string {
  switch (mixer.kind) {
    case "attention":
      return attentionWords(mixer);
    case "latent":
      return `latent attention${extras(mixer)}`;
    case "recurrent":
      return mixer.state.some(({ name }) => name === "ngram") ? `${mixer.family} with n-grams` : mixer.family;
    case "parallel":
      return `${attentionWords(mixer.attention)} beside ${mixer.recurrent.family}`;
    case "cross":
      return `attention over ${mixer.encoderTokens === null ? "an encoder" : "an encoder of fixed length"}`;
    case "none":
      return "none";
    case "unknown":
      return "unknown";
  }
}

function attentionWords(mixer: AttentionMixer): string {
  const facts = [
    mixer.causal ? "" : ", both ways",
    extras(mixer),
    mixer.compression === undefined ? "" : `, 1 row for ${mixer.compression.ratio} tokens`,
    mixer.sharesCacheWith === undefined ? "" : ", an earlier cache",
    mixer.readsTargetCache ? ", the target's cache" : "",
    (mixer.passes ?? 1) === 1 ? "" : ", several passes",
  ];
  return `attention${facts.join("")}`;
}

function extras({ window, indexer }: AttentionMixer | LatentMixer): string {
  return `${window.kind === "none" ? "" : `, ${window.kind} window`}${indexer === undefined ? "" : ", indexer"}`;
}

/** What is committed. */
export function committedArchitecturesDoc(): string {
  return readFileSync(ARCHITECTURES_DOC, "utf8");
}
