import { InspectError } from "../../errors.ts";

/** Refuses a combination of options that llama.cpp refuses, or has no way to use. */
export function refuse(option: string, message: string): never {
  throw new InspectError("unsupported-option", message, { key: option });
}
