/** Heads of keys and values on one rank: shared out, or one head repeated where ranks are more (`linear.py`, QKVParallelLinear). */
export function localHeads(kvHeads: number, tensorParallel: number): number {
  return Math.max(1, Math.floor(kvHeads / tensorParallel));
}

/** Layers of each stage: what does not divide goes to the stages before the last (`distributed/utils.py`, get_pp_indices). */
export function stageLayers(layers: number, stages: number): readonly number[] {
  const each = Math.floor(layers / stages);
  const rest = layers % stages;
  return Array.from({ length: stages }, (_, stage) => {
    const fromEnd = stages - stage;
    return each + (fromEnd >= 2 && fromEnd < rest + 2 ? 1 : 0);
  });
}

/** Stage of each layer. */
export function stageOf(layer: number, layers: number, stages: number): number {
  let end = 0;
  for (const [stage, count] of stageLayers(layers, stages).entries()) {
    end += count;
    if (layer < end) return stage;
  }
  // Layers that draft come after the model's own, on the last stage.
  return stages - 1;
}
