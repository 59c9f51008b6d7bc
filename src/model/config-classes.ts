import { CONFIG_COLUMNS, CONFIG_ROWS } from "./config-defaults.ts";
import type { ConfigClass } from "./config-keys.ts";

/**
 * What the configuration class of each `model_type` says of its keys. A row of the table: the name, a value for each
 * column, `-` where the class has none, then further `key=value`, and `key>alias` for what it writes as `alias`.
 */
export const CONFIG_CLASSES: ReadonlyMap<string, ConfigClass> = new Map(
  CONFIG_ROWS.map((row) => {
    const [modelType = "", ...cells] = row.split(" ");
    const defaults: Record<string, number | boolean> = {};
    const aliases: Record<string, string> = {};
    cells.forEach((cell, index) => {
      const column = CONFIG_COLUMNS[index];
      const [key = "", alias] = cell.split(">");
      if (column === undefined && alias !== undefined) aliases[key] = alias;
      else if (cell !== "-") {
        const [name = "", value = ""] = column === undefined ? cell.split("=") : [column, cell];
        defaults[name] = value === "true" || (value !== "false" && Number(value));
      }
    });
    return [modelType, { defaults, aliases }];
  }),
);
