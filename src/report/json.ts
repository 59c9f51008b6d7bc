import type { Model } from "../model/model.ts";
import type { MemoryEstimate } from "../runtimes/estimate.ts";
import type { Refusal } from "./weigh.ts";

/** Characters JSON leaves as they are and a terminal may obey. Escaped, the text is the same JSON. */
const UNSAFE = /[\u007f-\u009f\p{Cf}\u2028\u2029]/gu;

function escaped(character: string): string {
  let text = "";
  for (let index = 0; index < character.length; index += 1) {
    text += `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`;
  }
  return text;
}

/**
 * The data behind the screen as JSON text. The tensors of the model are left out unless asked for, and so is `refused` where
 * every runtime takes the model.
 */
export function reportJson(
  model: Model,
  memory: readonly MemoryEstimate[],
  withTensors: boolean,
  refused: readonly Refusal[] = [],
): string {
  return escapedJson({ model: shownModel(model, withTensors), memory, ...(refused.length > 0 && { refused }) });
}

/** A model without its tensors, unless they are asked for. */
export function shownModel(model: Model, withTensors: boolean): Partial<Model> {
  const { tensors, ...rest } = model;
  return withTensors ? model : rest;
}

/** Data as JSON text that a terminal shows and does not obey. */
export function escapedJson(data: unknown): string {
  return JSON.stringify(data, null, 2).replace(UNSAFE, escaped);
}
