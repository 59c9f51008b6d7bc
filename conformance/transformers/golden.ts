import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Version } from "./engine.ts";

/** Bytes of one cache. `storageBytes`: of the storages behind it, which a slice keeps alive whole. */
export type CacheRow = { readonly sequences: number; readonly cacheBytes: number; readonly storageBytes: number } & (
  | { readonly cache: "dynamic"; readonly promptTokens: number; readonly newTokens: number }
  | { readonly cache: "static"; readonly contextTokens: number }
);

/** What transformers made of one directory under `fixtures/files/safetensors/`. */
export type ModelRow = { readonly model: string; readonly dtype: "auto" | "float32" | "bfloat16" } & (
  | { readonly refused: string }
  | {
      readonly class: string;
      readonly missingKeys: readonly string[];
      readonly unexpectedKeys: readonly string[];
      readonly mismatchedKeys: readonly string[];
      readonly parameters: number;
      /** Parameters and saved buffers, by PyTorch's names of types. */
      readonly weightBytes: { readonly [dtype: string]: number };
      readonly caches: readonly CacheRow[];
    }
);

export type Golden = {
  readonly versions: { readonly python: string; readonly torch: string; readonly transformers: string };
  /** What writes this file. */
  readonly command: string;
  readonly models: readonly ModelRow[];
};

export function goldenPath(version: Version): string {
  return fileURLToPath(new URL(`golden/${version}.json`, import.meta.url));
}

/** Reads a committed golden file. */
export function readGolden(version: Version): Golden {
  return JSON.parse(readFileSync(goldenPath(version), "utf8"));
}

/** One row a line, so that a change shows as the lines it changes. */
export function goldenText({ versions, command, models }: Golden): string {
  const lines = models.map((model) => {
    if (!("caches" in model)) return `    ${JSON.stringify(model)}`;
    const { caches, ...facts } = model;
    const rows = caches.map((row) => `      ${JSON.stringify(row)}`).join(",\n");
    const list = caches.length === 0 ? "[]" : `[\n${rows}\n    ]`;
    return `    ${JSON.stringify(facts).slice(0, -1)},"caches":${list}}`;
  });
  const head = `  "versions": ${JSON.stringify(versions)},\n  "command": ${JSON.stringify(command)},`;
  return `{\n${head}\n  "models": [\n${lines.join(",\n")}\n  ]\n}\n`;
}
