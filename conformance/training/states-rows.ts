import { type ModelTypeRow, readModelTypes } from "../transformers/model-types.ts";
import { readStates, type StateRow } from "./golden.ts";

/** The rows of model types that trained, each with the tiny model it is of. */
export function askedStates(): readonly { readonly state: StateRow; readonly type: ModelTypeRow }[] {
  const types = new Map(readModelTypes().rows.map((row) => [row.modelType, row]));
  return readStates().rows.flatMap((state) => {
    const type = types.get(state.modelType);
    return "refused" in state || type === undefined || "refused" in type ? [] : [{ state, type }];
  });
}
