import { CONFIG_COLUMNS, CONFIG_ROWS } from "./config-defaults.ts";
import type { ConfigClass } from "./config-keys.ts";

let rows: ReadonlyMap<string, string> | undefined;

/**
 * What the configuration class of a `model_type` says of its keys; undefined where there is none. A row of the table: the
 * name, a value for each column, `-` where the class has none, then further `key=value`, and `key>alias` for what it writes
 * as `alias`. Only the row asked for is taken apart: all of them would take a fifth of the import.
 */
export function configClassOf(modelType: string): ConfigClass | undefined {
  rows ??= new Map(CONFIG_ROWS.map((row) => [row.slice(0, row.indexOf(" ")), row]));
  const row = rows.get(modelType);
  if (row === undefined) return undefined;
  const defaults: Record<string, number | boolean> = {};
  const aliases: Record<string, string> = {};
  const [, ...cells] = row.split(" ");
  cells.forEach((cell, index) => {
    const column = CONFIG_COLUMNS[index];
    const [key = "", alias] = cell.split(">");
    if (column === undefined && alias !== undefined) aliases[key] = alias;
    else if (cell !== "-") {
      const [name = "", value = ""] = column === undefined ? cell.split("=") : [column, cell];
      defaults[name] = value === "true" || (value !== "false" && Number(value));
    }
  });
  return { defaults, aliases };
}
