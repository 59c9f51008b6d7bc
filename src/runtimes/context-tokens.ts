import { InspectError } from "../errors.ts";
import type { Model } from "../model/model.ts";

/** Tokens to make room for where none are given: the trained context. Throws `invalid-option` where there is none. */
export function trainedContextOf(model: Model): number {
  if (model.trainedContext !== null) return model.trainedContext;
  throw new InspectError(
    "invalid-option",
    "options.contextTokens must be given: the model does not say which context it was trained for",
    { key: "contextTokens" },
  );
}
