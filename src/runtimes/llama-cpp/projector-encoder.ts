import type { MetadataValue, Model } from "../../model/model.ts";

/** What an encoder of a projector reads, or makes. */
export type Modality = "vision" | "audio" | "generated audio";

/** One encoder of a projector file, as its keys describe it; null where they do not. */
export type ProjectorEncoder = {
  readonly modality: Modality;
  /** `clip.projector_type`: which graph the engine builds. */
  readonly type: string;
  readonly blockCount: number | null;
  readonly hiddenSize: number | null;
  readonly feedForwardSize: number | null;
  readonly headCount: number | null;
};

/** Where the keys of each modality stand (llama.cpp 0.5.0 `tools/mtmd/clip-impl.h:25-60`). */
const PREFIX: { readonly [modality in Modality]: string } = {
  vision: "clip.vision",
  audio: "clip.audio",
  "generated audio": "clip.gen.audio",
};
const PRESENT: { readonly [modality in Modality]: string } = {
  vision: "clip.has_vision_encoder",
  audio: "clip.has_audio_encoder",
  "generated audio": "clip.has_gen_audio_encoder",
};

/** The encoder of one modality; undefined where the file has none. */
export function encoderOf({ metadata }: Model, modality: Modality): ProjectorEncoder | undefined {
  if (metadata[PRESENT[modality]] !== true) return undefined;
  const prefix = PREFIX[modality];
  const given = metadata["clip.projector_type"] ?? metadata[`${prefix}.projector_type`];
  const type = typeof given === "string" ? given : "";
  return {
    modality,
    // One name for two graphs (`tools/mtmd/clip.cpp:1284`).
    type: type === "qwen2.5o" ? (modality === "vision" ? "qwen2.5vl_merger" : "qwen2a") : type,
    blockCount: positive(metadata[`${prefix}.block_count`]),
    hiddenSize: positive(metadata[`${prefix}.embedding_length`]),
    feedForwardSize: positive(metadata[`${prefix}.feed_forward_length`]),
    headCount: positive(metadata[`${prefix}.attention.head_count`]),
  };
}

/** A positive number of the file's keys; null where there is none. */
export function positive(value: MetadataValue | undefined): number | null {
  return typeof value === "number" && value > 0 ? value : null;
}
