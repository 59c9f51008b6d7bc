import type { Reporter } from "../diagnostics.ts";
import type { Limits } from "../limits.ts";
import type { Keys } from "./keys.ts";
import type { TensorClaim } from "./tensor-claim.ts";

/** Main blocks and those that predict further tokens. */
export type LayerCount = { readonly main: number; readonly mtp: number };

/** Blocks of an encoder by the keys that count them, where so many are believed. */
export function encoderLayerCount(names: readonly string[], keys: Keys, limits: Limits): number | undefined {
  const count = keys.integer(...names);
  return count !== undefined && count <= limits.layers ? count : undefined;
}

/**
 * Holds a declared number of blocks against the blocks that are there, before anything is looped over. Blocks that
 * predict further tokens may have been left out of the files, or be there without being declared.
 */
export function reconcileLayerCount(
  declared: {
    readonly main: number | undefined;
    readonly mtp: number;
    readonly origin: string;
    /** Blocks that predict further tokens count as long as they are declared, though no tensor is theirs. */
    readonly keepsUnread?: true;
  },
  tensors: TensorClaim,
  limits: Limits,
  report: Reporter,
): LayerCount | undefined {
  const { main, mtp, origin, keepsUnread } = declared;
  const found = tensors.blockCount;
  if (found === undefined) {
    if (main === undefined) return undefined;
    if (main + mtp <= limits.layers) return { main, mtp: tensors.separateMtpBlocks || mtp };
    report(
      "inconsistent-model",
      `${main + mtp} blocks by ${origin}, but no tensor shows one, and at most ${limits.layers} are believed (limits.layers); the layers are left out.`,
      origin,
    );
    return undefined;
  }
  const missing = found - tensors.blocks.size;
  if (missing > 0) {
    const more = missing > tensors.missingBlocks.length ? ", …" : "";
    report(
      "inconsistent-model",
      `the highest block is ${found - 1}, but ${missing} below it have no tensors (${tensors.missingBlocks.join(", ")}${more}); parts of the model are missing.`,
      `block ${tensors.missingBlocks[0]}`,
    );
  }
  const separate = tensors.separateMtpBlocks;
  const proven = { main: found - tensors.mtpBlocks, mtp: tensors.mtpBlocks + separate };
  if (main === undefined) return proven;
  if (main === proven.main) return keepsUnread && proven.mtp === 0 ? { main, mtp } : proven;
  if (main + mtp === found && mtp > 0) return { main, mtp: mtp + separate };
  report(
    "inconsistent-model",
    `${main}${mtp > 0 ? ` + ${mtp}` : ""} blocks by ${origin}, ${found} by the tensors; the tensors win.`,
    origin,
  );
  return proven;
}
