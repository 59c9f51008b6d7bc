import { InspectError } from "../errors.ts";
import type { Device } from "./device.ts";

/**
 * One device for each rank of a runtime that splits a model: those given, or as many like the one given, or CUDA devices of
 * unknown capacity, named `GPU0` and on. Throws `unsupported-option` where another number is given.
 */
export function rankDevices(given: readonly Device[] | undefined, ranks: number): readonly Device[] {
  const [first, second] = given ?? [];
  if (second === undefined) {
    const like = first ?? ({ kind: "cuda" } as const);
    return Array.from({ length: ranks }, (_, rank) => ({
      ...like,
      name: rank === 0 && first ? first.name : `GPU${rank}`,
    }));
  }
  if (given?.length === ranks) return given;
  throw new InspectError(
    "unsupported-option",
    `${ranks} rank${ranks === 1 ? "" : "s"} take ${ranks === 1 ? "one device" : `${ranks} devices, or one that stands for all`}, got ${given?.length}`,
    { key: "devices" },
  );
}
