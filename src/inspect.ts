import { inspectSiblings } from "./inspect-all.ts";
import { type InspectOutcome, inspectEach } from "./inspect-models.ts";
import { inspect, type ModelInput, type Platform } from "./inspection.ts";
import { readArray } from "./metadata-array.ts";
import { buildModel } from "./model/build.ts";
import type { Model } from "./model/model.ts";
import type { InspectOptions } from "./options.ts";
import { openLocal } from "./source/local.ts";

/**
 * Reads the headers of a model, and only those, and derives its exact shape.
 *
 * `source`: a file, a directory, an index, any shard of a set, an http(s) URL, a hub page, a repo id
 * (`org/name`, `org/name@revision`, `org/name:QUANT`, `hf://…`), `ollama://model:tag`, `modelscope://org/name`, a `Blob`, a `ByteSource` or several of one set.
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
  return inspect(source, options, NODE);
}

/**
 * Reads several models by one call. All share `options`: `limits.concurrency` bounds the files read at once over all of
 * them, and `timeoutMs` is the time for everything. The outcomes are in the order of `sources`; a source that fails does so
 * alone. Rejects only for options that are wrong, or with the caller's reason when `options.signal` aborts.
 *
 * @example
 * ```ts
 * import { inspectModels } from "weighin";
 *
 * const outcomes = await inspectModels(["fixtures/files/demo.gguf", "fixtures/files/safetensors/llama-3"]);
 * console.log(outcomes.map(({ model, error }) => model?.weights.bytes ?? error?.message));
 * ```
 */
export function inspectModels(
  sources: readonly ModelInput[],
  options: InspectOptions = {},
): Promise<readonly InspectOutcome[]> {
  return inspectEach(sources, options, NODE);
}

/**
 * Reads every model of a repo or directory: each quantization of a GGUF repo, and the safetensors model where there is one.
 * One GGUF header is read in full; of the others only the keys and tensors, at the places that follow from the first, so
 * that twenty take little more than one. Whatever is not as it follows from there is read in full too. What a file's arrays
 * of strings hold is not looked at where they have the length of the first one's.
 *
 * The outcomes are ordered by `source`, which is what `inspectModel` takes for that model alone. Rejects where the source
 * cannot be found or listed.
 *
 * @example
 * ```ts
 * import { inspectAll } from "weighin";
 *
 * for (const { source, model } of await inspectAll("fixtures/files/gguf")) console.log(source, model?.weights.bytes);
 * ```
 */
export function inspectAll(
  source: string | URL,
  options: InspectOptions = {},
): Promise<readonly InspectOutcome<string>[]> {
  return inspectSiblings(source, options, NODE);
}

/**
 * Reads one array of a GGUF file's metadata on demand: the tokens, merges or scores that `inspectModel` names with
 * their length but does not copy. Integers beyond 2^53 are bigints. Rejects with `not-found` (the message lists the
 * arrays there are) or `wrong-format` (not GGUF), and as `inspectModel` does.
 *
 * @example
 * ```ts
 * import { readMetadataArray } from "weighin";
 *
 * const tokens = await readMetadataArray("fixtures/files/demo.gguf", "tokenizer.ggml.tokens");
 * console.log(tokens.length > 0); // true
 * ```
 */
export function readMetadataArray(
  source: ModelInput,
  key: string,
  options: InspectOptions = {},
): Promise<readonly (string | number | bigint | boolean)[]> {
  return readArray(source, key, options, NODE);
}

const NODE: Platform = { openLocal, redirects: "manual", loadBuilder: async () => buildModel };
