import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspectModel } from "../../src/inspect.ts";
import type { Model } from "../../src/model/model.ts";
import { type PartResult, verdict } from "../part.ts";
import { sharedFolder } from "../paths.ts";
import { writeHeader } from "./header.ts";
import { JUSTIFIED } from "./justified.ts";

const NAME = "real configs give a shape";
const CONFIG_FOLDERS = ["configs", "configs-reduced"];
const PRESETS = "configs-presets/mlc-llm-presets.json";

type Config = { readonly name: string; readonly text: string };

/**
 * Inspects every real config.json beside weights that say nothing, so that the shape is the config's alone: layers, their
 * number, the hidden size, and how each layer mixes. Every diagnostic stands in `justified.ts` with its reason, and every
 * reason there is needed.
 */
export async function checkRealConfigs(): Promise<PartResult> {
  const shared = sharedFolder();
  if (shared === undefined) return { name: NAME, state: "skipped", summary: "WEIGHIN_SHARED is not there" };
  const work = mkdtempSync(join(tmpdir(), "weighin-configs-"));
  try {
    return await compare(realConfigs(join(shared, "data")), work);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function compare(configs: readonly Config[], work: string): Promise<PartResult> {
  const differences: string[] = [];
  const unneeded = new Set(JUSTIFIED);
  let shapes = 0;
  for (const [position, { name, text }] of configs.entries()) {
    const directory = join(work, String(position));
    mkdirSync(directory);
    writeFileSync(join(directory, "config.json"), text);
    writeHeader(join(directory, "model.safetensors"), new Map([["unknown", { dtype: "F32", shape: [] }]]));
    const model = await inspectModel(directory);
    if (hasShape(model)) shapes += 1;
    for (const { code, message } of model.diagnostics) {
      const row = JUSTIFIED.find((candidate) => candidate.code === code && candidate.configs.includes(name));
      if (row === undefined) differences.push(`${name}: ${code}: ${message}`);
      else unneeded.delete(row);
    }
  }
  for (const { configs: named, code } of unneeded)
    differences.push(`nothing to justify: ${code} of ${named.join(", ")}`);
  return verdict(
    NAME,
    `${shapes}/${configs.length} give a shape, ${JUSTIFIED.length} reasons for the rest`,
    differences,
  );
}

function hasShape({ layerCount, hiddenSize, layers }: Model): boolean {
  if (layerCount === null || hiddenSize === null || layers.length === 0) return false;
  return layers.every(({ mixer }) => mixer.kind !== "unknown");
}

function realConfigs(data: string): Config[] {
  const files = CONFIG_FOLDERS.flatMap((folder) =>
    readdirSync(join(data, folder))
      .filter((file) => /(?<!SOURCES)\.json$/.test(file))
      .sort()
      .map((file) => ({ name: file.replace(/\.json$/, ""), text: readFileSync(join(data, folder, file), "utf8") })),
  );
  const { presets }: { presets: { readonly [name: string]: unknown } } = JSON.parse(
    readFileSync(join(data, PRESETS), "utf8"),
  );
  return [...files, ...Object.entries(presets).map(([name, config]) => ({ name, text: JSON.stringify(config) }))];
}
