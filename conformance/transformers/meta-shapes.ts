import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspectModel } from "../../src/inspect.ts";
import { DEFAULT_LIMITS } from "../../src/limits.ts";
import { CONFIG_RULES } from "../../src/model/architectures/registry.ts";
import { parseConfig } from "../../src/model/config.ts";
import type { Mixer } from "../../src/model/mixer.ts";
import type { Model } from "../../src/model/model.ts";
import { type PartResult, verdict } from "../part.ts";
import { sharedFolder } from "../paths.ts";
import { runPython } from "../python.ts";
import { missingEngine, VERSIONS } from "./engine.ts";

const NAME = `shapes of whole models against transformers ${VERSIONS[0]}`;
const CONFIG_FOLDERS = ["configs", "configs-reduced", "configs-presets"];

/** The library knows its layers as those of another type, so it has no class of its own to hold the defaults against. */
const WITHOUT_CLASS: ReadonlySet<string> = new Set(["kimi_k2"]);

/**
 * Facts that this comparison cannot hold against the library's, by model_type, with the reason. Parameters, layers, hidden
 * size and defaults are compared for these as well.
 */
const NOT_COMPARED: ReadonlyMap<string, { readonly facts: readonly string[]; readonly because: string }> = new Map([
  ...listed(["zamba2", "nemotron_h"], {
    facts: ["active parameters", "heads", "key-value heads", "head size", "windows", "diagnostics"],
    because: "their layers are not covered, or only where the configuration spells them out, and say so",
  }),
  ...listed(["step3p5", "step3p7"], {
    facts: ["active parameters", "heads", "key-value heads", "head size", "trained context", "windows", "diagnostics"],
    because: "the rules are for the code that comes with the weights; the library has a class of its own",
  }),
  ...listed(["bamba", "granitemoehybrid", "falcon_h1", "gemma3n_text", "mimo_v2_flash"], {
    facts: ["heads", "key-value heads", "windows"],
    because:
      "the library says these once for the model, layers may differ; their caches are held by tiny models instead",
  }),
  ...listed(["moshi"], {
    facts: ["vocabulary"],
    because: "32,001 rows against a vocabulary of 32,000; the cause is not known",
  }),
  ...listed(["longcat_flash"], {
    facts: ["active parameters", "layers", "windows", "diagnostics"],
    because: "the library counts a layer for each attention, and makes weights for experts that pass tokens on",
  }),
  ...listed(["hrm_text"], { facts: ["layers", "windows"], because: "the library counts a layer for each pass" }),
  ...listed(["jetmoe"], { facts: ["active parameters"], because: "differs by 0.0002 %; the cause is not known" }),
  ...listed(["laguna"], { facts: ["active parameters"], because: "differs by 0.0004 %; the cause is not known" }),
]);

function listed<Reason>(modelTypes: readonly string[], reason: Reason): (readonly [string, Reason])[] {
  return modelTypes.map((modelType) => [modelType, reason] as const);
}

/** What the library makes of one configuration. A fact that its class does not have is null. */
type Shape = {
  readonly directory: string;
  readonly parameters: number;
  readonly active: number;
  readonly layers: number;
  readonly hiddenSize: number;
  readonly vocabularySize: number;
  readonly heads: number | null;
  readonly kvHeads: number | null;
  readonly headDim: number | null;
  readonly trainedContext: number | null;
  readonly tied: boolean;
  /** By layer: tokens of a sliding cache, null for one that holds everything, false for a layer without keys. */
  readonly windows: readonly (number | null | false)[];
};

type Answer = { readonly config: string } & ({ readonly refused: string } | Shape);

/**
 * Every model_type with nothing but its class defaults, and every published configuration there is of a type covered
 * here, at its true size: built by the library without data, saved as a header, and inspected.
 */
export async function checkMetaShapes(): Promise<PartResult> {
  const missing = missingEngine(VERSIONS[0]);
  if (missing !== undefined) return { name: NAME, state: "skipped", summary: missing };
  const work = mkdtempSync(join(tmpdir(), "weighin-meta-shapes-"));
  try {
    const configs = [...bareConfigs(work), ...publishedConfigs()];
    const answers = runPython("transformers/meta-shapes.py", [work, ...configs])
      .trim()
      .split("\n");
    return await compare(answers.map((line): Answer => JSON.parse(line)));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function bareConfigs(work: string): string[] {
  return [...CONFIG_RULES.keys()]
    .filter((modelType) => !WITHOUT_CLASS.has(modelType))
    .map((modelType) => {
      const path = join(work, `${modelType}.json`);
      writeFileSync(path, JSON.stringify({ model_type: modelType }));
      return path;
    });
}

function publishedConfigs(): string[] {
  const shared = sharedFolder();
  if (shared === undefined) return [];
  return CONFIG_FOLDERS.map((folder) => join(shared, "data", folder)).flatMap((folder) =>
    readdirSync(folder)
      .map((name) => join(folder, name))
      .filter((path) => /(?<!SOURCES)\.json$/.test(path) && CONFIG_RULES.has(modelTypeOf(path))),
  );
}

function modelTypeOf(path: string): string {
  return String(parseConfig(readFileSync(path, "utf8"), DEFAULT_LIMITS, path).get("model_type"));
}

async function compare(answers: readonly Answer[]): Promise<PartResult> {
  const differences: string[] = [];
  const refused: string[] = [];
  for (const answer of answers) {
    if ("refused" in answer) {
      refused.push(answer.config);
      continue;
    }
    const found = shapeDifferences(await inspectModel(answer.directory), answer);
    differences.push(...found.map((difference) => `${answer.config}: ${difference}`));
  }
  const refusals = refused.length === 0 ? "" : `; refused by transformers itself: ${refused.join(", ")}`;
  const partly = `${NOT_COMPARED.size} model types in part (see NOT_COMPARED)`;
  return verdict(NAME, `${answers.length - refused.length} models, ${partly}${refusals}`, differences);
}

function shapeDifferences(model: Model, shape: Shape): string[] {
  const facts: readonly [name: string, ours: unknown, theirs: unknown][] = [
    ["parameters", model.parameters.total, shape.parameters],
    ["active parameters", model.parameters.active, shape.active],
    ["layers", model.layerCount, shape.layers],
    ["hidden size", model.hiddenSize, shape.hiddenSize],
    ["vocabulary", model.vocabularySize, shape.vocabularySize],
    ["heads", model.attentionHeads, shape.heads],
    ["key-value heads", model.kvHeads, shape.kvHeads],
    ["head size", model.headDim?.key, shape.headDim],
    ["trained context", model.trainedContext, shape.trainedContext],
    ["tied", model.tiedEmbeddings, shape.tied],
    ["windows", model.causal ? model.layers.map(({ mixer }) => windowOf(mixer)) : null, model.causal && shape.windows],
    ["diagnostics", model.diagnostics.length, 0],
  ];
  const excused = NOT_COMPARED.get(model.architecture ?? "")?.facts ?? [];
  return facts
    .filter(([name]) => !excused.includes(name))
    .filter(
      ([, ours, theirs]) => theirs !== null && theirs !== false && JSON.stringify(ours) !== JSON.stringify(theirs),
    )
    .map(([name, ours, theirs]) => `${name} ${JSON.stringify(ours)}, transformers ${JSON.stringify(theirs)}`);
}

function windowOf(mixer: Mixer): number | null | false {
  if (mixer.kind !== "attention" && mixer.kind !== "latent") return false;
  return mixer.window.kind === "none" ? null : mixer.window.tokens;
}
