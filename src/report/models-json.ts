import type { InspectError } from "../errors.ts";
import type { Model } from "../model/model.ts";
import { escapedJson, shownModel } from "./json.ts";
import type { Refusal, RuntimeReport } from "./weigh.ts";

/** One of several models: what it weighs, or why that is not known. */
export type ModelEntry =
  | {
      readonly source: string;
      readonly model: Model;
      readonly reports: readonly RuntimeReport[];
      readonly refusals: readonly Refusal[];
      readonly error?: undefined;
    }
  | {
      readonly source: string;
      readonly model?: undefined;
      readonly reports?: undefined;
      readonly refusals?: undefined;
      readonly error: InspectError;
    };

/** Several models as JSON text, each with its source, in the order given. */
export function modelsJson(entries: readonly ModelEntry[], withTensors: boolean): string {
  const models = entries.map(({ source, model, reports, refusals, error }) => {
    if (model === undefined) {
      const { code, message, where } = error;
      return { source, error: { code, message, where } };
    }
    const memory = reports.map(({ estimate }) => estimate);
    return {
      source,
      model: shownModel(model, withTensors),
      memory,
      ...(refusals.length > 0 && { refused: refusals }),
    };
  });
  return escapedJson({ models });
}
