import { inspect, type ModelInput } from "./inspection.ts";
import type { Model } from "./model/model.ts";
import type { InspectOptions } from "./options.ts";

/**
 * As in Node, without local paths: give a `File` or `Blob` instead. Redirects are followed by the browser, which
 * drops credentials across origins itself.
 */
export function inspectModel(source: ModelInput, options: InspectOptions = {}): Promise<Model> {
  return inspect(source, options, { openLocal: undefined, redirects: "follow" });
}
