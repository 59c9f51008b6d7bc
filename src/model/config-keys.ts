import type { LooseJson } from "../bytes/loose-json.ts";
import type { Reporter } from "../diagnostics.ts";
import { type ConfigObject, configObject } from "./config.ts";
import { type Keys, makeKeys } from "./keys.ts";

/** Values a config.json leaves out because they equal the defaults of its class. */
export type ConfigDefaults = Readonly<Record<string, number | boolean | null>>;

/** Names that a key is written under instead, best first. None: the class does not heed the key. */
export type ConfigAliases = Readonly<Record<string, string | readonly string[]>>;

/** What a configuration class says of its keys. */
export type ConfigClass = {
  readonly defaults: ConfigDefaults;
  /** Keys the class writes under another name. */
  readonly aliases?: ConfigAliases;
};

/**
 * The keys of a text configuration. What the file says wins under any alias, an explicit `null` included; then what
 * the tensors prove; then the class default, since transformers writes only what differs from it. `a.b` is the key `b`
 * of the object `a`, `a.0.b` that of the first object of the list `a`.
 */
export function configKeys(
  config: ConfigObject,
  proven: ReadonlyMap<string, number>,
  { defaults, aliases = {} }: ConfigClass,
  report: Reporter,
): Keys {
  const written = (name: string): readonly string[] => {
    const alias = Object.hasOwn(aliases, name) ? aliases[name] : undefined;
    if (alias === undefined) return [name];
    return alias.length === 0 ? [] : [alias, name].flat();
  };
  return makeKeys(
    "config.json",
    (names) => {
      for (const name of names.flatMap(written)) {
        const [holder, key] = holderOf(config, name);
        if (holder?.has(key)) return { name, value: holder.get(key) };
      }
      for (const name of names) if (proven.has(name)) return { name, value: proven.get(name) };
      for (const name of names.flatMap(written)) {
        if (Object.hasOwn(defaults, name)) return { name, value: defaults[name] };
      }
      return undefined;
    },
    report,
  );
}

function holderOf(config: ConfigObject, name: string): readonly [holder: ConfigObject | undefined, key: string] {
  const path = name.split(".");
  const key = path.pop() ?? name;
  const holder = path.reduce<LooseJson | undefined>(
    (value, step) => (Array.isArray(value) ? value[Number(step)] : configObject(value)?.get(step)),
    config,
  );
  return [configObject(holder), key];
}
