import type { GgufTensor } from "../../../fixtures/write-gguf.ts";
import { inspectModel } from "../../../src/inspect.ts";
import { holeyFile } from "../../holey-file.ts";
import { ggufOfKeys } from "../architectures/keys.ts";
import { type ArchitectureRow, readArchitectures } from "../golden.ts";
import { comparePlaced, type PlacedVerdict, placedVerdict } from "../placed.ts";
import { DEEP_GRID, VARIANT_PLACEMENTS } from "../placements.ts";
import { readWholeModels } from "../whole-models/golden.ts";
import { unfoldTensors } from "../whole-models/tensors.ts";
import type { VariantRow } from "./golden.ts";

/** Rows of one case in the golden files, by its name. */
type Known = {
  readonly keysOf: (row: VariantRow) => ArchitectureRow["keys"];
  readonly tensorsOf: (row: VariantRow) => readonly GgufTensor[];
};

export function knownCases(): Known {
  const nameOf = ({ architecture, title }: { architecture: string; title: string }): string =>
    `${architecture} ${title}`;
  const keys = new Map(readArchitectures("architectures").rows.map((row) => [nameOf(row), row.keys]));
  const whole = readWholeModels().rows.filter((row) => row.keys === "architectures" && !row.tied);
  const tensors = new Map(whole.map((row) => [nameOf(row), row.tensors]));
  return {
    keysOf: (row) => ({ ...present(keys, nameOf(row)), ...row.changed }),
    tensorsOf: (row) =>
      unfoldTensors(row.tensors ?? present(tensors, nameOf(row))).filter(({ name }) => name !== row.without),
  };
}

/** Holds one variant against the engine's answers, device by device. */
export async function compareVariant(row: VariantRow, { keysOf, tensorsOf }: Known): Promise<PlacedVerdict> {
  const file = ggufOfKeys(row.architecture, keysOf(row), tensorsOf(row));
  const model = await inspectModel(holeyFile(file));
  const verdict = placedVerdict();
  VARIANT_PLACEMENTS.forEach(
    (workload, index) => void comparePlaced(model, workload, row.placed[index], verdict, row.outputBytes[index]),
  );
  DEEP_GRID.forEach((workload, index) => void comparePlaced(model, workload, row.grid?.[index], verdict));
  return verdict;
}

function present<Value>(values: ReadonlyMap<string, Value>, name: string): Value {
  const value = values.get(name);
  if (value === undefined) throw new Error(`no golden row of ${name}`);
  return value;
}
