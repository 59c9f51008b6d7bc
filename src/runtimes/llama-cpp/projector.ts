import type { Model, ModelTensor } from "../../model/model.ts";
import type { Device } from "../device.ts";
import type { MemoryItem } from "../estimate.ts";
import { tensorBytes } from "./buffer-bytes.ts";
import type { Placement } from "./placement.ts";
import { encoderOf, type Modality, type ProjectorEncoder } from "./projector-encoder.ts";
import { type ByteRange, PROVEN_PROJECTORS, projectorGraph } from "./projector-graph.ts";
import type { Beside } from "./second-context.ts";
import type { LlamaCppSettings } from "./settings.ts";

const WEIGHTS_SOURCE = "llama.cpp 0.5.0 tools/mtmd/clip.cpp:2109-3640, load_tensors";
const COMPUTE_SOURCE = "widest moment of the warm-up graph (llama.cpp 0.5.0 tools/mtmd/clip.cpp:3672-3800)";

/** Read to the host as plain numbers, or for the preprocessor: never in a buffer (`get_vector`, `get_scalar`). */
const NOT_IN_A_BUFFER = /\.(?:input|output)_(?:max|min)$|^a\.(?:mel_filters|window)$/;

const BLOCK = /^[va]\.blk\.(\d+)\./;

/** Tensors whose names have neither of these prefixes are a vision encoder's. */
const GENERATED_AUDIO = /^a\.gen\./;
const AUDIO = /^(?:mm\.)?a\./;

/** Asked for by these names whatever the encoder, so that each of several has a copy (`tools/mtmd/clip.cpp:2232-2245`). */
const IN_EVERY_ENCODER = /^v\.(?:class_embd|patch_embd\.(?:weight|weight\.1|bias)|norm_embd\.(?:weight|bias))$/;

/** The same, of each block (`tools/mtmd/clip.cpp:2302-2307`). */
const IN_EVERY_BLOCK = /^v\.deepstack\.(\d+)\./;

/** This vision encoder keeps the file's audio encoder from being loaded (`tools/mtmd/clip.cpp:3990`). */
const WITHOUT_AUDIO = "gemma3nv";

/**
 * What a projector takes beside its model: each of its encoders has a buffer for all its weights and one for its graph, on
 * the first GPU, whatever the layers of the model do, or on the CPU (`clip_ctx`, llama.cpp 0.5.0 `tools/mtmd/clip.cpp:183`).
 */
export function projectorItems(projector: Model, settings: LlamaCppSettings, { host }: Placement): Beside {
  const gpu = settings.devices.find(({ kind }) => kind !== "cpu");
  const device = settings.projectorOffload && gpu !== undefined ? gpu : host;
  const encoders = encodersOf(projector);
  const weights = encoders.map(
    (encoder): MemoryItem => ({
      component: "weights",
      label: `projector weights, ${encoder.modality}`,
      device: device.name,
      bytes: loadedTensors(projector, encoder, encoders).reduce((sum, tensor) => sum + tensorBytes(device, tensor), 0),
      certainty: PROVEN_PROJECTORS.has(encoder.type) ? "exact" : "derived",
      source: WEIGHTS_SOURCE,
    }),
  );
  // What generates audio is not warmed up (`tools/mtmd/clip.cpp:4008`).
  const compute = encoders
    .filter(({ modality }) => modality !== "generated audio")
    .flatMap((encoder) => {
      const graph = projectorGraph(encoder, projector, device, settings.flashAttention);
      const label = `projector compute buffer, ${encoder.modality}, ${graph.input}`;
      const own = computeItem(label, device, graph.scratch);
      return device === host ? [own] : [own, computeItem(`${label}, host side`, host, graph.host)];
    });
  return { weights, compute, cache: [], overhead: [], caches: [] };
}

function computeItem(label: string, { name }: Device, { bytes, low, high }: ByteRange): MemoryItem {
  return { component: "compute", label, device: name, bytes, certainty: "estimate", source: COMPUTE_SOURCE, low, high };
}

function encodersOf(projector: Model): readonly ProjectorEncoder[] {
  const there = (["vision", "audio", "generated audio"] as const).flatMap(
    (modality) => encoderOf(projector, modality) ?? [],
  );
  const silent = there.some(({ type }) => type === WITHOUT_AUDIO);
  return there.filter(({ modality }) => !silent || modality !== "audio");
}

/** All tensors of the encoder's own modality, but blocks beyond those the keys count, and some of the vision encoder's. */
function loadedTensors(
  { tensors }: Model,
  { modality, blockCount }: ProjectorEncoder,
  all: readonly ProjectorEncoder[],
): readonly ModelTensor[] {
  const others = all.length > 1 || all[0]?.type === WITHOUT_AUDIO;
  const counted = (block: RegExpExecArray | null): boolean =>
    block === null || blockCount === null || Number(block[1]) < blockCount;
  return tensors.filter(({ name }) => {
    if (NOT_IN_A_BUFFER.test(name)) return false;
    if (!others || modalityOf(name) === modality) return counted(BLOCK.exec(name));
    const shared = IN_EVERY_BLOCK.exec(name);
    return IN_EVERY_ENCODER.test(name) || (shared !== null && counted(shared));
  });
}

function modalityOf(name: string): Modality {
  if (GENERATED_AUDIO.test(name)) return "generated audio";
  return AUDIO.test(name) ? "audio" : "vision";
}
