import { readFileSync } from "node:fs";
import { type ArchitectureRow, type GoldenFile, goldenPath, readArchitectures } from "../golden.ts";
import type { DeviceBytes } from "../placed.ts";
import type { FoldedTensors } from "./tensors.ts";

/**
 * What the engine said of one whole model. Its keys stand in the row of the same place in the file `keys`. A text is the
 * reason of a refusal; null where the engine broke off.
 */
export type WholeModelRow = {
  readonly keys: "architectures" | "saved-models";
  readonly architecture: string;
  readonly title: string;
  /** Without an output matrix. */
  readonly tied?: true;
  readonly tensors: FoldedTensors;
  readonly weightBytes: number;
  /** By workload: bytes of the cache, of the output buffer, of the CPU's work buffer and of the compute buffer. */
  readonly answers: readonly (
    | readonly [cache: number, output: number, work: number, compute: number]
    | string
    | null
  )[];
  /** By placement. */
  readonly placed: readonly (DeviceBytes | string | null)[];
  /** By placement of the grid, of a few models. */
  readonly grid?: readonly (DeviceBytes | string | null)[];
};

export type WholeModelGolden = GoldenFile<WholeModelRow>;

export function readWholeModels(): WholeModelGolden {
  return JSON.parse(readFileSync(goldenPath("whole-models"), "utf8"));
}

/** Rows of keys by the names that a row of whole models gives. */
export function keysOfRows(): (row: Pick<WholeModelRow, "keys" | "architecture" | "title">) => ArchitectureRow {
  const named = new Map(
    (["architectures", "saved-models"] as const).flatMap((keys) =>
      readArchitectures(keys).rows.map((row) => [`${keys} ${row.architecture} ${row.title}`, row] as const),
    ),
  );
  return ({ keys, architecture, title }) => {
    const row = named.get(`${keys} ${architecture} ${title}`);
    if (row === undefined) throw new Error(`no keys of ${architecture} ${title} in ${keys}`);
    return row;
  };
}
