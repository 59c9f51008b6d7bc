import { inspect, type ModelInput } from "./inspection.ts";
import type { Model } from "./model/model.ts";
import type { InspectOptions } from "./options.ts";
import { openLocal } from "./source/local.ts";

/**
 * Reads the headers of a model, and only those, and derives its exact shape.
 *
 * `source`: a file, a directory, an index, any shard of a set, an http(s) URL, a hub page, a repo id
 * (`org/name`, `org/name@revision`, `org/name:QUANT`, `hf://…`), a `Blob`, a `ByteSource` or several of one set.
 * `docs/sources.md` has the rule that tells them apart. Sizes of the result are bytes, shapes keep the file's order.
 *
 * Rejects with an `InspectError` whose `code` says what is wrong (`not-found`, `truncated`, `gated`, …), or with the
 * caller's reason when `options.signal` aborts.
 *
 * @example
 * ```ts
 * import { inspectModel } from "weighin";
 *
 * const model = await inspectModel("fixtures/files/demo.gguf");
 * console.log(model.architecture, model.layerCount, model.kvHeads, model.weights.bytes);
 * ```
 */
export function inspectModel(source: ModelInput, options: InspectOptions = {}): Promise<Model> {
  return inspect(source, options, { openLocal, redirects: "manual" });
}
