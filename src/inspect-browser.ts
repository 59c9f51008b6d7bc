import { inspectSiblings } from "./inspect-all.ts";
import { type InspectOutcome, inspectEach } from "./inspect-models.ts";
import { inspect, type ModelInput, type Platform } from "./inspection.ts";
import { readArray } from "./metadata-array.ts";
import type { Model } from "./model/model.ts";
import type { InspectOptions } from "./options.ts";

/**
 * As in Node, without local paths: give a `File` or `Blob` instead. Redirects are followed by the browser, which
 * drops credentials across origins itself.
 */
export function inspectModel(source: ModelInput, options: InspectOptions = {}): Promise<Model> {
  return inspect(source, options, BROWSER);
}

/** As in Node, without local paths. */
export function inspectModels(
  sources: readonly ModelInput[],
  options: InspectOptions = {},
): Promise<readonly InspectOutcome[]> {
  return inspectEach(sources, options, BROWSER);
}

/** As in Node, without local paths. */
export function inspectAll(
  source: string | URL,
  options: InspectOptions = {},
): Promise<readonly InspectOutcome<string>[]> {
  return inspectSiblings(source, options, BROWSER);
}

/** As in Node, without local paths. */
export function readMetadataArray(
  source: ModelInput,
  key: string,
  options: InspectOptions = {},
): Promise<readonly (string | number | bigint | boolean)[]> {
  return readArray(source, key, options, BROWSER);
}

const BROWSER: Platform = {
  openLocal: undefined,
  redirects: "follow",
  // Half of the code, and all of the tables: a page has the headers under way before it needs them.
  loadBuilder: async () => (await import("./model/build.ts")).buildModel,
};
