import { GIB } from "../binary-units.ts";
import type { Device } from "../device.ts";

/**
 * Bytes of unified memory that the GPU may keep wired, as `max_recommended_working_set_size` says it: what macOS surely
 * allows, and the most that was seen. Apple publishes no rule. Seen are 2/3 of 16 GiB (exo-explore/exo pull request 1672) and
 * 74 % of it (AlexsJones/llmfit 754), 3/4 of 64, 96 and 192 GiB and 239 of 256 (raullenchai/Rapid-MLX 183), 84 % of 128 on
 * macOS 26 (antirez/ds4 893). `sysctl iogpu.wired_limit_mb` raises it.
 */
export function wiredBytes(memoryBytes: number): { readonly sure: number; readonly most: number } {
  const sure = memoryBytes <= 36 * GIB ? (memoryBytes * 2) / 3 : (memoryBytes * 3) / 4;
  return { sure: Math.floor(sure), most: Math.floor((memoryBytes * 15) / 16) };
}

/** What a runtime may fill of a device of known capacity: surely, and at most. */
export function usableBytes(
  runtime: string,
  { kind, memoryBytes }: Device,
): { sure: number; most: number } | undefined {
  if (memoryBytes === undefined) return undefined;
  return runtime === "mlx" && kind === "metal" ? wiredBytes(memoryBytes) : { sure: memoryBytes, most: memoryBytes };
}
