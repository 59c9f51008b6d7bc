import type { LooseJson } from "../bytes/loose-json.ts";
import type { GgufMetadata, GgufScalar, GgufValue } from "../formats/gguf/value.ts";
import type { ConfigObject } from "./config.ts";
import type { MetadataValue } from "./model.ts";

type Metadata = { readonly [key: string]: MetadataValue };

/** The keys of a GGUF file as JSON data. Arrays of more than `keptEntries` are named with their length. */
export function ggufMetadata(metadata: GgufMetadata, keptEntries: number): Metadata {
  return record([...metadata].map(([key, value]) => [key, fromGguf(value, keptEntries)]));
}

/** A config.json as JSON data; long arrays as for GGUF. */
export function configMetadata(config: ConfigObject, keptEntries: number): Metadata {
  return record([...config].map(([key, value]) => [key, fromConfig(value, keptEntries)]));
}

/** `Object.fromEntries` defines own properties, so that even the key `__proto__` is one. */
function record(entries: readonly (readonly [string, MetadataValue])[]): Metadata {
  return Object.fromEntries(entries);
}

function fromGguf(value: GgufValue, keptEntries: number): MetadataValue {
  if (value.type !== "array") return scalar(value.value);
  if ("reference" in value) return { array: value.elementType, length: value.reference.length };
  if (value.values.length > keptEntries) return { array: value.elementType, length: value.values.length };
  return value.values.map(scalar);
}

function fromConfig(value: LooseJson, keptEntries: number): MetadataValue {
  if (value instanceof Map) return configMetadata(value, keptEntries);
  if (Array.isArray(value)) {
    if (value.length > keptEntries) return { array: kindOf(value[0]), length: value.length };
    return value.map((entry: LooseJson) => fromConfig(entry, keptEntries));
  }
  return typeof value === "object" && value !== null ? null : scalar(value);
}

/** What JSON cannot carry exactly is a text: integers beyond 2^53, NaN, infinities. -0 is 0. */
function scalar<Other extends null>(value: GgufScalar | Other): MetadataValue {
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "number") return value;
  if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) return String(value);
  return value === 0 ? 0 : value;
}

function kindOf(value: LooseJson | undefined): string {
  if (value instanceof Map) return "object";
  if (Array.isArray(value)) return "array";
  return value === null ? "null" : typeof value === "bigint" ? "number" : typeof value;
}
