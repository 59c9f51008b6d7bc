import type { AttentionMixer, LatentMixer } from "./mixer.ts";
import { attentionPart } from "./mixer-parts.ts";
import type { Model } from "./model.ts";
import type { LayerShape, ShapeClaim } from "./shape.ts";

/**
 * Heads of the model as a whole: one number when equal in all attention layers. Where no mixer is known, what the keys
 * say. Latent attention has one key-value head where the file splits the up-projections, so that one latent row stands for
 * all heads (GGUF says 1), and its decompressed heads otherwise (config.json says as many).
 */
export function headFacts(
  layers: readonly LayerShape[],
  claim: ShapeClaim,
): Pick<Model, "attentionHeads" | "kvHeads" | "headDim"> {
  const attentions = layers.map(({ mixer }) => attentionPart(mixer));
  const first = attentions.find((attention) => attention !== undefined);
  if (first === undefined) {
    const unknown = layers.length === 0 || layers.some(({ mixer }) => mixer.kind === "unknown");
    return {
      attentionHeads: unknown ? (claim.attentionHeads ?? null) : null,
      kvHeads: unknown ? (claim.kvHeads ?? null) : null,
      headDim: null,
    };
  }
  return {
    attentionHeads: equalOrPerLayer(attentions.map((attention) => attention?.heads ?? 0)),
    kvHeads: equalOrPerLayer(attentions.map((attention) => attention && kvHeadsOf(attention))),
    headDim: {
      key: first.kind === "latent" ? first.nopeDim + first.ropeDim : first.keyDim,
      value: first.valueDim,
    },
  };
}

function kvHeadsOf(attention: AttentionMixer | LatentMixer): number {
  if (attention.kind === "attention") return attention.kvHeads;
  return attention.upProjection === "absorbed" ? 1 : attention.heads;
}

function equalOrPerLayer(perLayer: readonly (number | undefined)[]): number | readonly number[] {
  const some = perLayer.filter((count) => count !== undefined && count > 0);
  const [first] = some;
  if (first !== undefined && some.every((count) => count === first)) return first;
  return perLayer.map((count) => count ?? 0);
}
