/**
 * A memory pool with a name. It need not exist in this machine.
 *
 * @example
 * ```ts
 * import type { Device } from "weighin";
 *
 * const device: Device = { name: "GPU0", kind: "cuda", memoryBytes: 24 * 1024 ** 3 };
 * ```
 */
export type Device = {
  readonly name: string;
  readonly kind: "cuda" | "metal" | "cpu";
  /** Capacity in bytes, when known. */
  readonly memoryBytes?: number;
};
