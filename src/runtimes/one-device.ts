import type { Device } from "./device.ts";
import { refuse } from "./refuse.ts";

/** Refuses several devices, for runtimes that use one. */
export function checkOneDevice(devices: readonly Device[]): void {
  if (devices.length <= 1) return;
  refuse("devices", `one device can be weighed at once, got ${devices.map((device) => device.name).join(", ")}`);
}
