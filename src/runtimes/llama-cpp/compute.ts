import type { FeedForward } from "../../model/feed-forward.ts";
import type { Mixer } from "../../model/mixer.ts";
import type { Model } from "../../model/model.ts";
import type { MemoryItem } from "../estimate.ts";
import type { Device } from "../workload.ts";
import type { Cells } from "./cells.ts";
import { WITHOUT_COMPUTE_FORM } from "./engine-facts.ts";
import type { Placement } from "./placement.ts";
import type { LlamaCppSettings } from "./settings.ts";
import { EMBEDDING, placeTensors } from "./tensor-place.ts";

/**
 * Compute buffers by a closed form: the widest moment of the worst-case prompt graph. Against what the engine reserved
 * on a CPU it was 0.79 to 1.04 of it in 246 settings of 19 model shapes, and 0.50 to 1.00 in 287 settings of the toy-sized
 * fixtures, where constant parts weigh; the bounds held in all of them (`conformance/llama-cpp/`).
 */
const LOW_FACTOR = 0.75;
const HIGH_FACTOR = 1.25;
const HIGH_CONSTANT_BYTES = 16 * 1024 * 1024;

const SOURCE = "closed form of the widest graph moment (llama.cpp 0.5.0 src/llama-context.cpp:622-760)";
const F32_BYTES = 4;
const F16_BYTES = 2;

/** Batches from this many tokens on are computed on a GPU, weights of the host brought there (`ggml-cuda.cu`, offload_op). */
const OFFLOADED_BATCH = 32;

/** Copies of each input where several GPUs work at once (`GGML_SCHED_MAX_COPIES`, `ggml/src/ggml-backend.cpp`). */
const PIPELINE_COPIES = 4;

/**
 * Items for the compute buffers of each device that computes. Null where the form is not known to hold: unknown mixers,
 * architectures it was refuted for, models that look both ways and cache all the same.
 */
export function computeItems(
  model: Model,
  settings: LlamaCppSettings,
  cells: Cells,
  placement: Placement,
  cacheBytes: number,
): MemoryItem[] | null {
  if (WITHOUT_COMPUTE_FORM.has(model.architecture ?? "") || (!model.causal && cacheBytes > 0)) return null;
  const moments = graphMoments(model, settings, cells);
  if (moments === null) return null;
  const { tokens, block, logits, inputs, mask } = moments;
  const item = (device: Device, label: string, bytes: number): MemoryItem => ({
    component: "compute",
    label,
    device: device.name,
    bytes: Math.round(bytes),
    certainty: "estimate",
    source: SOURCE,
    low: Math.round(bytes * LOW_FACTOR),
    high: Math.round(bytes * HIGH_FACTOR + HIGH_CONSTANT_BYTES),
  });
  const { host, gpus, output } = placement;
  const label = `compute buffer, ${tokens} tokens`;
  const scratch = (device: Device): number => Math.max(block, device === output ? logits : 0);
  if (gpus.length === 0) return [item(host, label, scratch(host) + mask)];
  const blocks = model.layers.map(({ index }) => placement.deviceOf(index));
  const streams = settings.operatorOffload && tokens >= OFFLOADED_BATCH;
  const copied = isPipelined(settings, placement, blocks) ? PIPELINE_COPIES * (mask + inputs) : 0;
  const streamed = streams ? largestStreamed(model, settings, placement) : 0;
  const onGpus = gpus.flatMap((gpu, index) => {
    const helps = index === 0 && streamed > 0;
    if (!helps && gpu !== output && !blocks.includes(gpu)) return [];
    const bytes = Math.max(scratch(gpu), helps ? Math.max(block, logits) : 0) + (helps ? streamed : 0);
    return [item(gpu, label, bytes + copied)];
  });
  const onHost = (inputs + mask) * (copied > 0 ? 2 : 1) + (streams || !blocks.includes(host) ? 0 : scratch(host));
  return [...onGpus, item(host, `${label}, host side`, onHost)];
}

/** What the worst-case prompt graph holds at once, in bytes. */
type GraphMoments = {
  readonly tokens: number;
  /** The widest moment inside the blocks. */
  readonly block: number;
  readonly logits: number;
  readonly inputs: number;
  readonly mask: number;
};

function graphMoments(model: Model, settings: LlamaCppSettings, cells: Cells): GraphMoments | null {
  const { hiddenSize } = model;
  const layers = model.layers.filter((layer) => layer.mtp !== true);
  if (hiddenSize === null || layers.length === 0 || layers.some((layer) => layer.mixer.kind === "unknown")) return null;
  const tokens = Math.min(cells.full * cells.streams, cells.microBatch);
  const outputs = Math.min(tokens, settings.outputs);
  const mixers = layers.map((layer) => layer.mixer);
  const width = widestBlock(
    mixers,
    layers.map((layer) => layer.feedForward),
    model.causal,
  );
  const heads = Math.max(0, ...mixers.map(attentionHeads));
  const maskCells = maskWidth(mixers, cells, model.causal ? undefined : tokens);
  const flash = settings.flashAttention !== "off";
  const scores = flash ? 0 : F32_BYTES * tokens * (heads * maskCells.widest + 3 * hiddenSize);
  return {
    tokens,
    block: Math.max(F32_BYTES * tokens * (width + 2 * hiddenSize), scores),
    logits: model.causal ? F32_BYTES * outputs * ((model.vocabularySize ?? 0) + hiddenSize) : 0,
    inputs: 2 * F32_BYTES * hiddenSize * tokens,
    mask: (flash ? F16_BYTES : F32_BYTES) * tokens * maskCells.sum,
  };
}

/** Several GPUs take turns at one batch where they hold everything (`src/llama-context.cpp:430-456`). */
function isPipelined(
  settings: LlamaCppSettings,
  { gpus, host, output }: Placement,
  blocks: readonly Device[],
): boolean {
  const { overrideTensors, cpuMoeLayers, cpuFeedForwardLayers, offloadCache } = settings;
  const overridden = overrideTensors.length > 0 || cpuMoeLayers !== 0 || cpuFeedForwardLayers > 0;
  return gpus.length > 1 && output !== host && !blocks.includes(host) && offloadCache && !overridden;
}

/** The largest matrix on the host that a GPU multiplies with: it is copied there for the time. */
function largestStreamed(model: Model, settings: LlamaCppSettings, placement: Placement): number {
  const { devicesOf, tiedOutput } = placeTensors(model, settings, placement);
  let largest = 0;
  for (const { name, bytes, shape, component } of model.tensors) {
    if (shape.length < 2 || component === "mtp") continue;
    const multiplied =
      name === EMBEDDING ? model.tiedEmbeddings && tiedOutput === placement.host : component !== "embedding";
    if (multiplied && devicesOf(name)[0] === placement.host) largest = Math.max(largest, bytes);
  }
  return largest;
}

/** Elements per token of the widest point inside any block. */
function widestBlock(mixers: readonly Mixer[], feedForwards: readonly FeedForward[], gated: boolean): number {
  const feedForward = feedForwards.map((part) => feedForwardWidth(part, gated));
  return Math.max(0, ...feedForward, ...mixers.map(recurrentWidth));
}

/** Gate, up and their product are alive at once; so is one hidden vector per expert used. Encoders are not gated. */
function feedForwardWidth(part: FeedForward, gated: boolean): number {
  if (part.kind === "dense") return (gated ? 3 : 1) * part.intermediateSize;
  if (part.kind === "experts") return 3 * part.expertsPerToken * part.expertIntermediateSize;
  return 0;
}

function recurrentWidth(mixer: Mixer): number {
  const recurrent = mixer.kind === "parallel" ? mixer.recurrent : mixer.kind === "recurrent" ? mixer : undefined;
  const ssm = recurrent?.state.find((state) => state.name === "ssm");
  return ssm === undefined ? 0 : 4 * (ssm.shape[0] ?? 0);
}

function attentionHeads(mixer: Mixer): number {
  if (mixer.kind === "parallel") return mixer.attention.heads;
  return mixer.kind === "attention" || mixer.kind === "latent" ? mixer.heads : 0;
}

/**
 * Cells that one token is held against, by kind of cache: the full one, and one for each window. A token sees the stream
 * of its own sequence only; an encoder sees the batch itself.
 */
function maskWidth(
  mixers: readonly Mixer[],
  cells: Cells,
  encoderTokens: number | undefined,
): { sum: number; widest: number } {
  const widths = new Set<number>();
  for (const mixer of mixers) {
    const attention = mixer.kind === "parallel" ? mixer.attention : mixer;
    if (attention.kind !== "attention" && attention.kind !== "latent") continue;
    if (encoderTokens !== undefined) widths.add(encoderTokens);
    else widths.add(attention.window.kind === "none" ? cells.full : cells.sliding(attention.window.tokens));
  }
  const list = [...widths];
  return { sum: list.reduce((sum, width) => sum + width, 0), widest: Math.max(0, ...list) };
}
