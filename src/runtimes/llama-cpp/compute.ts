import type { FeedForward } from "../../model/feed-forward.ts";
import type { Mixer } from "../../model/mixer.ts";
import type { Model } from "../../model/model.ts";
import type { MemoryItem } from "../estimate.ts";
import type { Cells } from "./cells.ts";
import { WITHOUT_COMPUTE_FORM } from "./engine-facts.ts";
import type { Placement } from "./placement.ts";
import type { LlamaCppSettings } from "./settings.ts";

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

/**
 * Items for the compute buffers of the main device and, beside a GPU, of the host. Null where the form is not known to
 * hold: unknown mixers, architectures it was refuted for, models that look both ways and cache all the same.
 */
export function computeItems(
  model: Model,
  settings: LlamaCppSettings,
  cells: Cells,
  placement: Placement,
  cacheBytes: number,
): MemoryItem[] | null {
  const { hiddenSize } = model;
  if (WITHOUT_COMPUTE_FORM.has(model.architecture ?? "") || (!model.causal && cacheBytes > 0)) return null;
  const layers = model.layers.filter((layer) => layer.mtp !== true);
  if (hiddenSize === null || layers.length === 0 || layers.some((layer) => layer.mixer.kind === "unknown")) return null;
  const tokens = Math.min(cells.full * cells.streams, cells.microBatch);
  const outputs = settings.preset === "server" ? Math.min(tokens, settings.sequences) : tokens;
  const mixers = layers.map((layer) => layer.mixer);
  const widths = widest(
    mixers,
    layers.map((layer) => layer.feedForward),
    model.causal,
  );
  const heads = Math.max(0, ...mixers.map(attentionHeads));
  const maskCells = maskWidth(mixers, cells, model.causal ? undefined : tokens);
  const logits = model.causal ? F32_BYTES * outputs * ((model.vocabularySize ?? 0) + hiddenSize) : 0;
  const block = F32_BYTES * tokens * (widths.block + 2 * hiddenSize);
  const flash = settings.flashAttention !== "off";
  const scores = flash ? 0 : F32_BYTES * tokens * (heads * maskCells.widest + 3 * hiddenSize);
  const scratch = Math.max(logits, block, scores);
  const mask = (flash ? F16_BYTES : F32_BYTES) * tokens * maskCells.sum;
  const { main, host } = placement;
  const item = (device: string, label: string, bytes: number, extraHigh: number): MemoryItem => ({
    component: "compute",
    label,
    device,
    bytes: Math.round(bytes),
    certainty: "estimate",
    source: SOURCE,
    low: Math.round(bytes * LOW_FACTOR),
    high: Math.round(bytes * HIGH_FACTOR + extraHigh),
  });
  const label = `compute buffer, ${tokens} tokens`;
  if (main === host) return [item(main.name, label, scratch + mask, HIGH_CONSTANT_BYTES)];
  const inputs = 2 * F32_BYTES * hiddenSize * tokens;
  return [
    item(main.name, label, scratch, HIGH_CONSTANT_BYTES),
    item(host.name, `${label}, host side`, inputs + mask, HIGH_CONSTANT_BYTES),
  ];
}

/** Elements per token of the widest point inside any block. */
function widest(mixers: readonly Mixer[], feedForwards: readonly FeedForward[], gated: boolean): { block: number } {
  const feedForward = feedForwards.map((part) => feedForwardWidth(part, gated));
  return { block: Math.max(0, ...feedForward, ...mixers.map(recurrentWidth)) };
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
