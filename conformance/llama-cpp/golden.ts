import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ArchitectureCase } from "./architectures/groups.ts";
import type { ArchitectureKeys, KeyValue } from "./architectures/keys.ts";
import type { EngineAnswer } from "./engine.ts";
import type { MtpRow } from "./mtp/cases.ts";
import type { ProjectorRow } from "./projectors/compare.ts";
import type { AskedWorkload } from "./workloads.ts";

/** One question and its answer. `model` is a path under `fixtures/files/`, or the name of a published shape. */
export type GoldenRow = { readonly model: string; readonly workload: AskedWorkload } & EngineAnswer;

export type GoldenFile<Row> = {
  readonly engine: {
    readonly name: "llama.cpp";
    readonly version: string;
    readonly commit: string;
    readonly carrier: string;
  };
  /** What writes this file. */
  readonly command: string;
  readonly rows: readonly Row[];
};

export type Golden = GoldenFile<GoldenRow>;

/**
 * One architecture, by a set of its keys: cache bytes for each of `ARCHITECTURE_WORKLOADS`, or the reason not to; null
 * where the engine breaks off on an assertion of its own.
 */
export type ArchitectureRow = ArchitectureCase & { readonly contextBytes: readonly (number | string | null)[] };

export type ArchitectureGolden = GoldenFile<ArchitectureRow>;

/** As it is stored: keys that a row does not name have their common value, or with `null` are not there. */
type StoredRow = Omit<ArchitectureRow, "keys"> & { readonly keys: Readonly<Record<string, KeyValue | null>> };
type StoredGolden = GoldenFile<StoredRow> & { readonly commonKeys: ArchitectureKeys };

/** Sums over all devices: fixtures of this repository, and full-size shapes whose generator is not in it. */
export type GoldenName = "fixtures" | "published-shapes";

/** What the engine said by keys: of our own cases, and of the models that its own test saves. */
export type KeyGoldenName = "architectures" | "saved-models";

/** What the engine said of models beside the main one. */
export type CompanionGoldenName = "projectors" | "mtp";

/** What the engine said of whole models, device by device, and of ways to load them. */
export type DeviceGoldenName = "whole-models" | "variants" | "published-placements" | "loading";

export function goldenPath(
  name: GoldenName | KeyGoldenName | CompanionGoldenName | DeviceGoldenName | "arguments" | "graphs",
): string {
  return fileURLToPath(new URL(`golden/${name}.json`, import.meta.url));
}

/** Reads a committed golden file. */
export function readGolden(name: GoldenName): Golden {
  return JSON.parse(readFileSync(goldenPath(name), "utf8"));
}

/** Reads what the engine said of projector files. */
export function readProjectors(): GoldenFile<ProjectorRow> {
  return JSON.parse(readFileSync(goldenPath("projectors"), "utf8"));
}

/** Reads what the engine said of contexts over MTP blocks. */
export function readMtp(): GoldenFile<MtpRow> {
  return JSON.parse(readFileSync(goldenPath("mtp"), "utf8"));
}

/** Reads what the engine said by keys. */
export function readArchitectures(name: KeyGoldenName): ArchitectureGolden {
  const { commonKeys, ...stored }: StoredGolden = JSON.parse(readFileSync(goldenPath(name), "utf8"));
  const rows = stored.rows.map((row): ArchitectureRow => {
    const entries = Object.entries({ ...commonKeys, ...row.keys });
    return {
      ...row,
      keys: Object.fromEntries(entries.filter((entry): entry is [string, KeyValue] => entry[1] !== null)),
    };
  });
  return { ...stored, rows };
}

/** The text of {@link readArchitectures}'s file. */
export function architecturesText(golden: ArchitectureGolden, commonKeys: ArchitectureKeys = {}): string {
  const rows = golden.rows.map(({ keys, contextBytes, ...row }): StoredRow => {
    const absent = Object.keys(commonKeys).filter((key) => !(key in keys));
    const own = Object.entries(keys).filter(
      ([key, value]) => JSON.stringify(commonKeys[key]) !== JSON.stringify(value),
    );
    const stored = Object.fromEntries([...own, ...absent.map((key) => [key, null])]);
    return { ...row, keys: stored, contextBytes };
  });
  return goldenText({ ...golden, rows }, { commonKeys });
}

/** One row a line, so that a change shows as the lines it changes. */
export function goldenText(golden: GoldenFile<object>, more: object = {}): string {
  const rows = golden.rows.map((row) => `    ${JSON.stringify(row)}`).join(",\n");
  const { engine, command } = golden;
  const head = Object.entries({ engine, command, ...more }).map(
    ([key, value]) => `  "${key}": ${JSON.stringify(value)},`,
  );
  return `{\n${head.join("\n")}\n  "rows": [\n${rows}\n  ]\n}\n`;
}
