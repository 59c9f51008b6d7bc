import { InspectError } from "../errors.ts";
import type { Device } from "./device.ts";

/** Refuses several devices, for runtimes that use one. */
export function checkOneDevice(devices: readonly Device[]): void {
  if (devices.length <= 1) return;
  throw new InspectError(
    "unsupported-option",
    `one device can be weighed at once, got ${devices.map((device) => device.name).join(", ")}`,
    { key: "devices" },
  );
}
