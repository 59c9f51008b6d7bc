import type { GgufFile, GgufTensor } from "../../../fixtures/write-gguf.ts";
import { ARCHITECTURE_CASES } from "../architectures/cases.ts";
import { ggufOfKeys } from "../architectures/keys.ts";
import { keysOfRows, readWholeModels, type WholeModelRow } from "../whole-models/golden.ts";
import { unfoldTensors } from "../whole-models/tensors.ts";
import { VARIANTS, type Variant } from "./variants.ts";

/** A model whose graphs are asked for: a whole model, or one with other keys and tensors. */
export type GraphModel = { readonly row: WholeModelRow; readonly variant?: Variant };

/** Every whole model, and after them the variants of the first of an architecture. */
export function graphModels(): GraphModel[] {
  const { rows } = readWholeModels();
  const variants = VARIANTS.flatMap((variant): GraphModel[] => {
    const row = rows.find((each) => each.architecture === variant.architecture && each.title === "" && !each.tied);
    if (row === undefined) throw new Error(`no whole model of ${variant.architecture}`);
    return [{ row, variant }];
  });
  return [...rows.map((row) => ({ row })), ...variants];
}

/** What a model is called in messages. */
export function titleOf({ row: { keys, architecture, title, tied }, variant }: GraphModel): string {
  const words = [keys === "saved-models" ? "saved" : "", architecture, title, tied ? "tied" : "", variant?.title ?? ""];
  return words.filter((word) => word !== "").join(" ");
}

/** Keys and tensors of a model. */
export function ggufOf({ row, variant }: GraphModel): GgufFile {
  const added = variant?.tensors ?? [];
  const kept = unfoldTensors(row.tensors).filter(
    ({ name }) => variant?.without?.test(name) !== true && added.every((each) => each.name !== name),
  );
  const keys = { ...keysOfRows()(row).keys, ...variant?.keys };
  return ggufOfKeys(row.architecture, keys, [...kept, ...added, ...scalesOf(kept, variant?.scales ?? [])]);
}

/** The architecture that a draft is for. */
export function draftsFor({ row, variant }: GraphModel): string | undefined {
  const asked = ARCHITECTURE_CASES.find(
    ({ architecture, title }) => architecture === row.architecture && title === row.title,
  );
  return variant?.draftsFor ?? asked?.draftsFor;
}

/** One number for each matrix, or for each expert. */
function scalesOf(tensors: readonly GgufTensor[], names: readonly string[]): readonly GgufTensor[] {
  return tensors
    .filter(({ name }) => names.some((each) => name.endsWith(`.${each}.weight`)))
    .map(({ name, shape }) => ({ name: name.replace(/weight$/, "scale"), type: "F32", shape: [shape[2] ?? 1] }));
}
