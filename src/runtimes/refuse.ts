import { InspectError } from "../errors.ts";

/** Refuses an option that the engine itself refuses, or has no way to use. */
export function refuse(option: string, message: string): never {
  throw new InspectError("unsupported-option", message, { key: option });
}
