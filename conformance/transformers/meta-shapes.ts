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
  ...listed(["minimax_m3_vl"], {
    facts: ["active parameters", "heads", "key-value heads", "head size", "windows", "diagnostics"],
    because: "their layers are not covered, or only where the configuration spells them out, and say so",
  }),
  ...listed(["step3p5", "step3p7"], {
    facts: ["heads", "trained context", "windows", "diagnostics"],
    because:
      "the published configurations have the keys of their text at the root, where the class of the library does not look: it builds its defaults",
  }),
  ...listed(["llava"], {
    facts: ["heads", "key-value heads", "head size", "trained context", "diagnostics"],
    because:
      "the one published configuration is of the first LLaVA, all keys at the root: the library builds its defaults",
  }),
  ...listed(["bamba", "granitemoehybrid", "falcon_h1", "gemma3n_text", "mimo_v2_flash"], {
    facts: ["heads", "key-value heads", "windows"],
    because:
      "the library says these once for the model, layers may differ; their caches are held by tiny models instead",
  }),
  ...listed(["mllama"], {
    facts: ["vocabulary", "windows"],
    because:
      "its embedding has eight rows more for images (modeling_mllama.py, MllamaTextModel), and nothing stored without an " +
      "output matrix tells; the cache of its layers over an image is the encoder's, which the library keeps among the others",
  }),
  ...listed(["inkling_text", "inkling2_text"], {
    facts: ["key-value heads"],
    because: "layers with a window have heads of their own, which the library says under other names",
  }),
  ...listed(["nemotron_h"], {
    facts: ["windows"],
    because: "its layers without attention have a cache layer that stays empty",
  }),
  ...listed(["rwkv", "xlstm"], { facts: ["windows"], because: "the caches of the library do not describe its layers" }),
  ...listed(["convbert"], { facts: ["heads"], because: "half of the heads it names are convolutions" }),
  ...listed(["longcat_flash"], {
    facts: ["active parameters", "layers", "windows", "diagnostics"],
    because: "the library counts a layer for each attention, and makes weights for experts that pass tokens on",
  }),
  ...listed(["hrm_text"], { facts: ["layers", "windows"], because: "the library counts a layer for each pass" }),
  ...listed(["jetmoe"], { facts: ["active parameters"], because: "differs by 0.0002 %; the cause is not known" }),
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
  if (mixer.kind === "parallel") return windowOf(mixer.attention);
  if (mixer.kind !== "attention" && mixer.kind !== "latent") return false;
  return mixer.window.kind === "none" ? null : mixer.window.tokens;
}
