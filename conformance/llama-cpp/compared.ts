import { compareGraphs, type GraphVerdict } from "./graphs/compare.ts";
import { type GraphRow, readGraphs } from "./graphs/golden.ts";
import { type GraphModel, graphModels } from "./graphs/models.ts";
import type { PlacedVerdict } from "./placed.ts";
import { compareVariant, knownCases } from "./variants/compare.ts";
import { readVariants, type VariantRow } from "./variants/golden.ts";
import { compareWholeModel, type WholeModelVerdict } from "./whole-models/compare.ts";
import { keysOfRows, readWholeModels, type WholeModelRow } from "./whole-models/golden.ts";

/*
 * What weighin says of every model, held against what the engine said of it. It takes half a minute and more, and several
 * count it: each comparison is made once.
 */

type Compared<Row, Verdict> = { readonly row: Row; readonly verdict: Verdict };

export const comparedWholeModels: () => Promise<Compared<WholeModelRow, WholeModelVerdict>[]> = once(() => {
  const keysOf = keysOfRows();
  return compareAll(readWholeModels().rows, (row) => compareWholeModel(row, keysOf(row)));
});

export const comparedVariants: () => Promise<Compared<VariantRow, PlacedVerdict>[]> = once(() => {
  const known = knownCases();
  return compareAll(readVariants().rows, (row) => compareVariant(row, known));
});

export const comparedGraphs: () => Promise<Compared<GraphRowOfModel, GraphVerdict>[]> = once(() =>
  compareAll(graphRows(), ({ model, row }) => compareGraphs(model, row)),
);

/** What the engine said of the graphs of a model. */
export type GraphRowOfModel = { readonly model: GraphModel; readonly row: GraphRow };

/** Rows of the golden file, each with its model: both are in the same order. */
export function graphRows(): readonly GraphRowOfModel[] {
  const models = graphModels();
  const { rows } = readGraphs();
  if (rows.length !== models.length) throw new Error(`${rows.length} golden graphs of ${models.length} models`);
  return rows.map((row, index) => ({ model: models[index] as GraphModel, row }));
}

async function compareAll<Row, Verdict>(
  rows: readonly Row[],
  compare: (row: Row) => Promise<Verdict>,
): Promise<Compared<Row, Verdict>[]> {
  const all: Compared<Row, Verdict>[] = [];
  for (const row of rows) all.push({ row, verdict: await compare(row) });
  return all;
}

function once<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let made: Promise<Value> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
