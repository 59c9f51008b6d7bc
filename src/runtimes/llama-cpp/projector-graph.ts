import type { Model } from "../../model/model.ts";
import type { Device } from "../device.ts";
import { F16_BYTES, F32_BYTES } from "./buffer-bytes.ts";
import { hasCudaKernelFor } from "./cuda/kernels.ts";
import { type ProjectorEncoder, positive } from "./projector-encoder.ts";

/** Types of projector that the engine was asked about (`conformance/llama-cpp/golden/projectors.json`). */
export const PROVEN_PROJECTORS: ReadonlySet<string> = new Set([
  "gemma3",
  "idefics3",
  "internvl",
  "lfm2",
  "mlp",
  "pixtral",
  "qwen2.5vl_merger",
  "qwen2a",
  "qwen2vl_merger",
  "qwen3vl_merger",
  "ultravox",
  "voxtral",
]);

/**
 * Sides of the warm-up image in tokens of the model, where the size of an image is not fixed
 * (`set_warmup_n_tokens`, `set_limit_image_tokens` in llama.cpp 0.5.0 `tools/mtmd/clip.cpp:1500-1950`).
 */
const WARM_UP_SIDE: ReadonlyMap<string, number> = new Map([
  ["deepseek4v", 16],
  ["dots3note_v", 46],
  ["dots_ocr", 46],
  ["exaone4_5", 46],
  ["gemma4uv", 16],
  ["gemma4v", 16],
  ["glm4v", 46],
  ["hunyuanvl", 32],
  ["kimik25", 64],
  ["kimivl", 16],
  ["lfm2", 16],
  ["lightonocr", 16],
  ["mimovl", 46],
  ["minimax_m3", 16],
  ["muse-glimmer", 32],
  ["paddleocr", 28],
  ["phi4", 16],
  ["pixtral", 16],
  ["qwen2.5vl_merger", 46],
  ["qwen2vl_merger", 46],
  ["qwen3vl_merger", 46],
  ["youtuvl", 16],
]);

/** Patches along a side that become one token, where the keys do not say. */
const MERGE: ReadonlyMap<string, number> = new Map([
  ["exaone4_5", 2],
  ["gemma4v", 3],
  ["glm4v", 2],
  ["hunyuanvl", 2],
  ["mimovl", 2],
  ["minimax_m3", 2],
  ["muse-glimmer", 2],
  ["paddleocr", 2],
  ["qwen2.5vl_merger", 2],
  ["qwen2vl_merger", 2],
  ["qwen3vl_merger", 2],
  ["youtuvl", 2],
]);

/** Frames of audio in the warm-up (`tools/mtmd/clip-model.h:88`), and the positions that two convolutions make of them. */
const AUDIO_FRAMES = 3000;
const AUDIO_POSITIONS = 1500;

const COLOURS = 3;

/** Against what the engine reserved, the form was 0.72 to 1.15 of it where it reserved more than 2 MB (`conformance/llama-cpp/golden/projectors.json`). */
const MEASURED = { low: 0.6, high: 1.75 };
/** Graphs nobody asked about: convolutions, two encoders, tiles. */
const UNMEASURED = { low: 0.2, high: 6 };
const HIGH_CONSTANT_BYTES = 16 * 1024 * 1024;

/** What the graph of the warm-up input takes. */
export type ProjectorGraph = {
  /** The input in words. */
  readonly input: string;
  readonly scratch: ByteRange;
  /** On the host, where another device computes: the input itself and the mask of window attention. */
  readonly host: ByteRange;
};

export type ByteRange = { readonly bytes: number; readonly low: number; readonly high: number };

/** The widest moment of a block: the feed-forward part with its residual, or the scores without flash attention. */
export function projectorGraph(
  encoder: ProjectorEncoder,
  projector: Model,
  device: Device,
  flashAttention: "auto" | "on" | "off",
): ProjectorGraph {
  const { type, hiddenSize, feedForwardSize, modality, headCount } = encoder;
  const { positions, pixels, words } = modality === "audio" ? audioInput(projector) : imageInput(encoder, projector);
  const hidden = hiddenSize ?? 0;
  const gate = modality === "audio" ? "a.blk.0.ffn_gate.weight" : "v.blk.0.ffn_gate.weight";
  const gates = projector.tensors.some(({ name }) => name === gate) ? 2 : 1;
  const perPosition = gates * (feedForwardSize ?? 0) + 3 * hidden + pixels / positions;
  const windowed = modality === "vision" && positive(projector.metadata["clip.vision.n_wa_pattern"]) !== null;
  const maskCells = windowed ? positions ** 2 : 0;
  const block = F32_BYTES * positions * perPosition + (F32_BYTES + F16_BYTES) * maskCells;
  const kernel = device.kind !== "cuda" || hasCudaKernelFor(hidden / (headCount ?? 1));
  const flash = flashAttention === "on" || (flashAttention === "auto" && kernel);
  const scores = flash ? 0 : F32_BYTES * (positions * (positions * (headCount ?? 1) + 6 * hidden) + maskCells);
  const range = PROVEN_PROJECTORS.has(type) ? MEASURED : UNMEASURED;
  const around = (bytes: number): ByteRange => ({
    bytes: Math.round(bytes),
    low: Math.round(bytes * range.low),
    high: Math.round(bytes * range.high) + HIGH_CONSTANT_BYTES,
  });
  return {
    input: words,
    scratch: around(Math.max(block, scores)),
    host: around(F32_BYTES * (pixels + maskCells)),
  };
}

/** `positions` the blocks attend over; `pixels` are the numbers of the input. */
type WarmUpInput = { readonly positions: number; readonly pixels: number; readonly words: string };

function imageInput({ type }: ProjectorEncoder, { metadata, tensors }: Model): WarmUpInput {
  const patch = positive(metadata["clip.vision.patch_size"]) ?? 1;
  const merge =
    positive(metadata["clip.vision.spatial_merge_size"]) ??
    positive(metadata["clip.vision.projector.scale_factor"]) ??
    MERGE.get(type) ??
    1;
  const tokens = WARM_UP_SIDE.get(type);
  const side = tokens === undefined ? (positive(metadata["clip.vision.image_size"]) ?? 0) : tokens * merge * patch;
  const classes = tensors.some(({ name }) => name === "v.class_embd") ? 1 : 0;
  return {
    positions: Math.max(1, Math.floor(side / patch) ** 2 + classes),
    pixels: COLOURS * side ** 2,
    words: `warm-up image of ${side} x ${side}`,
  };
}

function audioInput({ metadata }: Model): WarmUpInput {
  const bins = positive(metadata["clip.audio.num_mel_bins"]) ?? 0;
  return { positions: AUDIO_POSITIONS, pixels: AUDIO_FRAMES * bins, words: `${AUDIO_FRAMES} frames of audio` };
}
