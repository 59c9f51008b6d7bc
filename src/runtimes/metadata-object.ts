import type { MetadataValue } from "../model/model.ts";

/** True for an object of config.json. */
export function isMetadataObject(value: MetadataValue | undefined): value is { readonly [key: string]: MetadataValue } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
