import type { Keys } from "../keys.ts";

/** Layers listed in `mlp_only_layers`, and all but every `decoder_sparse_step`-th, are dense. */
export function sparseStepDense(keys: Keys): (layer: number) => boolean {
  const listed = new Set(keys.list("mlp_only_layers") ?? []);
  const step = keys.integer("decoder_sparse_step") ?? 1;
  return (layer) => listed.has(layer) || (step > 0 && (layer + 1) % step !== 0);
}
