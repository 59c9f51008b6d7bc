import type { AttentionMixer, LatentMixer, Mixer, RecurrentMixer } from "./mixer.ts";

/** The attention of a layer, alone or beside a recurrence. */
export function attentionPart(mixer: Mixer): AttentionMixer | LatentMixer | undefined {
  if (mixer.kind === "parallel") return mixer.attention;
  return mixer.kind === "attention" || mixer.kind === "latent" ? mixer : undefined;
}

/** The recurrence of a layer, alone or beside an attention. */
export function recurrentPart(mixer: Mixer): RecurrentMixer | undefined {
  if (mixer.kind === "parallel") return mixer.recurrent;
  return mixer.kind === "recurrent" ? mixer : undefined;
}
