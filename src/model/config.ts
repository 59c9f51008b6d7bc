import { type LooseJson, parseLooseJson } from "../bytes/loose-json.ts";
import { InspectError } from "../errors.ts";
import type { Limits } from "../limits.ts";

/** A config.json, or an object inside one. */
export type ConfigObject = ReadonlyMap<string, LooseJson>;

/** Parses a config.json. `label` names it in messages. Throws `invalid-json` when it is no JSON object. */
export function parseConfig(text: string, limits: Limits, label: string): ConfigObject {
  const config = parseLooseJson(text, { label, maxDepth: limits.jsonDepth });
  if (config instanceof Map) return config;
  throw new InspectError("invalid-json", `${label}: the configuration is not a JSON object.`, { source: label });
}

/** A value as an object, when it is one. */
export function configObject(value: LooseJson | undefined): ConfigObject | undefined {
  return value instanceof Map ? value : undefined;
}

/** Where multimodal configurations keep the one of their language model, outermost first. */
const TEXT_CONFIG_PATHS: readonly (readonly string[])[] = [
  ["thinker_config", "text_config"],
  ["text_config"],
  ["llm_config"],
  ["lm_config"],
  ["language_config"],
  ["lfm"],
  ["decoder"],
  ["decoder_config"],
];

/** The configuration of the language model, over that of the whole: `{ ...root, ...text }`. */
export function textConfig(root: ConfigObject): ConfigObject {
  for (const path of TEXT_CONFIG_PATHS) {
    const text = path.reduce<ConfigObject | undefined>((config, key) => config && configObject(config.get(key)), root);
    if (text !== undefined) return new Map([...root, ...text]);
  }
  return root;
}

/** Where the packing of the weights is described, under any of its names, at either level. */
export function quantizationConfig(root: ConfigObject): ConfigObject | undefined {
  const text = textConfig(root);
  for (const key of ["quantization_config", "compression_config", "quantization"]) {
    const found = configObject(root.get(key)) ?? configObject(text.get(key));
    if (found !== undefined) return found;
  }
  return undefined;
}
