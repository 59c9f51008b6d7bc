import { CONFIG_RULES } from "../../src/model/architectures/registry.ts";
import { type PartResult, verdict } from "../part.ts";
import { compareModelType, type ModelTypeRow, modelOfRow, readModelTypes } from "./model-types.ts";

/** Holds weighin against the tiny model of every model_type that has rules and that the library answered for. */
export async function checkModelTypes(): Promise<PartResult> {
  const { rows } = readModelTypes();
  const covered = rows.filter((row): row is ModelTypeRow => !("refused" in row) && CONFIG_RULES.has(row.modelType));
  const differences: string[] = [];
  let exact = 0;
  for (const row of covered) {
    const found = compareModelType(await modelOfRow(row), row);
    if (found.length === 0) exact += 1;
    differences.push(...found.map((difference) => `${row.modelType}: ${difference}`));
  }
  const refused = rows.filter((row) => "refused" in row).length;
  const summary = `${exact}/${covered.length} exact; ${rows.length - refused - covered.length} without rules, ${refused} not asked or refused by the library`;
  return verdict("weighin against transformers: tiny models of every model_type", summary, differences);
}
