import type { Reporter } from "../diagnostics.ts";
import type { ConfigObject } from "./config.ts";
import { type Keys, makeKeys } from "./keys.ts";

/** Values a config.json leaves out because they equal the defaults of its class. */
export type ConfigDefaults = Readonly<Record<string, number | boolean | null>>;

/**
 * The keys of a text configuration. What the file says wins under any alias, an explicit `null` included; then what
 * the tensors prove; then the class default, since transformers writes only what differs from it.
 */
export function configKeys(
  config: ConfigObject,
  proven: ReadonlyMap<string, number>,
  defaults: ConfigDefaults,
  report: Reporter,
): Keys {
  return makeKeys(
    "config.json",
    (names) => {
      for (const name of names) if (config.has(name)) return { name, value: config.get(name) };
      for (const name of names) if (proven.has(name)) return { name, value: proven.get(name) };
      for (const name of names) if (Object.hasOwn(defaults, name)) return { name, value: defaults[name] };
      return undefined;
    },
    report,
  );
}
