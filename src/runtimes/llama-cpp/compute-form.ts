import type { Model } from "../../model/model.ts";
import type { Device } from "../device.ts";
import type { MemoryItem } from "../estimate.ts";
import { cachedLayers } from "./cached-layers.ts";
import type { Cells } from "./cells.ts";
import { OUTPUT_OF_TARGET, WITHOUT_COMPUTE_FORM } from "./engine-facts.ts";
import { graphMoments } from "./graph-moments.ts";
import { OFFLOADED_BATCH } from "./offloaded-batch.ts";
import { isOverridden, isPipelined, PIPELINE_COPIES } from "./pipelining.ts";
import type { Placement } from "./placement.ts";
import type { LlamaCppSettings } from "./settings.ts";
import { hostMatrices, OUTPUT_MATRIX, type TensorPlaces } from "./tensor-place.ts";

/**
 * Compute buffers by a closed form: the widest moment of the worst-case prompt graph. The factors are margins, not
 * measurements; `conformance/llama-cpp/` holds the bounds against what the engine reserves.
 */
const LOW_FACTOR = 0.5;
const HIGH_FACTOR = 1.5;
const HIGH_CONSTANT_BYTES = 16 * 1024 * 1024;

const SOURCE = "closed form of the widest graph moment (llama.cpp 0.5.0 src/llama-context.cpp:622-760)";

/**
 * Estimates of the compute buffers of each device that computes, for graphs that are not drawn. Null where the form is not known to hold: unknown mixers,
 * architectures it was refuted for, models that look both ways and cache all the same.
 */
export function formItems(
  model: Model,
  settings: LlamaCppSettings,
  cells: Cells,
  placement: Placement,
  places: TensorPlaces,
  cacheBytes: number,
): MemoryItem[] | null {
  if (WITHOUT_COMPUTE_FORM.has(model.architecture ?? "") || (!model.causal && cacheBytes > 0)) return null;
  const moments = graphMoments(model, settings, cells, placement);
  if (moments === null) return null;
  const { tokens, logits, inputs, mask } = moments;
  const { host, gpus, output } = placement;
  const label = `compute buffer, ${tokens} tokens`;
  const layers = model.layers.filter(({ mtp }) => mtp !== true);
  const devices = layers.map(({ index }) => placement.deviceOf(index));
  const widest = moments.block(layers);
  const blockOn = (device: Device): number => moments.block(layers.filter((_, index) => devices[index] === device));
  // Where only embeddings are wanted, or earlier states are kept, the graph may have no room for all logits.
  const logitsAtLeast = settings.embeddings || settings.rollbackRows > 0 ? 0 : logits;
  const logitsOn = outputDevice(model, places, gpus);
  // The mask is there until the last block has attended; the logits come later.
  const scratch = (device: Device, beside: number, most: number): number => {
    const block = blockOn(device);
    return Math.max(block === 0 ? 0 : block + beside, device === logitsOn ? most : 0);
  };
  if (gpus.length === 0) {
    const likely = scratch(host, mask, logits) + inputs;
    return [
      computeItem(host, label, {
        least: scratch(host, mask, logitsAtLeast),
        likely,
        most: Math.max(likely, scratch(host, 0, logits) + mask),
      }),
    ];
  }
  const onHost = devices.includes(host);
  const copies = isPipelined(settings, placement) ? PIPELINE_COPIES * (mask + inputs) : 0;
  const helped = settings.operatorOffload && tokens >= OFFLOADED_BATCH;
  const streamed = helped ? streamedWeights(model, places, placement) : NONE;
  // A graph in many pieces holds what passes between them, and may attend without flash attention after all.
  const isCut = onHost || !settings.offloadCache || isOverridden(settings);
  const passed = isCut ? 2 * widest + moments.scores + logits + mask + inputs : 0;
  const slots = cachedLayers(model);
  const cached = slots.map(({ block }) => placement.deviceOf(block));
  // Looped models pass through their devices again and again, with copies each time.
  const loops = Math.max(1, slots.length / layers.length);
  const given = new Set(model.tensors.flatMap(({ name }) => places.devicesOf(name)));
  const computing = new Set([...devices, ...cached, ...given, output, logitsOn]);
  // Where several GPUs take turns, the mask is among their copies.
  const beside = copies > 0 ? 0 : mask;
  // What attends beside weights that are brought reads a cache of the host, which is brought as well.
  const hostCache = settings.offloadCache ? moments.cached(layers.filter((_, index) => devices[index] === host)) : 0;
  const items = gpus.flatMap((gpu, index) => {
    const helps = index === 0 && (streamed.block > 0 || streamed.output > 0);
    if (!helps && !computing.has(gpu)) return [];
    // A GPU that has no block, only tensors that were put there, takes their input and gives its product.
    const own = Math.max(scratch(gpu, beside, logits), given.has(gpu) ? inputs : 0);
    const brought = widest + streamed.block + hostCache + beside;
    const lent = Math.max(own, brought, streamed.output > 0 ? logits + streamed.output : 0);
    const likely = (helps ? lent : own) + copies;
    const most = Math.max(likely, widest) + 2 * loops * copies + passed + (gpu.kind === "metal" ? moments.shared : 0);
    return [computeItem(gpu, label, { least: isCut ? 0 : scratch(gpu, 0, logitsAtLeast), likely, most })];
  });
  const likely = (inputs + mask) * (copies > 0 ? 2 : 1) + (onHost && streamed === NONE ? scratch(host, 0, logits) : 0);
  const computesOnHost = output === host || moments.attendsOnHost || moments.scans > 0;
  // Each scan is another way to the host and back, with copies each time.
  const scanned = (copies > 0 ? PIPELINE_COPIES : 1) * moments.scans * widest;
  const computed = computesOnHost ? 2 * (widest + copies) + logits + scanned : copies;
  const most = Math.max(likely, inputs + mask + computed) + passed;
  return [...items, computeItem(host, `${label}, host side`, { least: inputs / 2, likely, most })];
}

/**
 * Where the logits are computed: at the matrix, which an override may have moved. That of a draft's target lies on the last
 * GPU where it has its default place.
 */
function outputDevice(
  { architecture, tensors, tiedEmbeddings }: Model,
  { devicesOf, tiedOutput }: TensorPlaces,
  gpus: readonly Device[],
): Device {
  const ofTarget = OUTPUT_OF_TARGET.has(architecture ?? "") && tensors.every(({ name }) => name !== OUTPUT_MATRIX);
  return (ofTarget ? gpus.at(-1) : tiedEmbeddings ? undefined : devicesOf(OUTPUT_MATRIX)[0]) ?? tiedOutput;
}

/** Bytes at least, most likely, and at most, before the margins of the closed form. */
type Range = { readonly least: number; readonly likely: number; readonly most: number };

function computeItem({ name }: Device, label: string, { least, likely, most }: Range): MemoryItem {
  return {
    component: "compute",
    label,
    device: name,
    bytes: Math.round(likely),
    certainty: "estimate",
    source: SOURCE,
    low: Math.round(Math.min(least, likely) * LOW_FACTOR),
    high: Math.round(most * HIGH_FACTOR + HIGH_CONSTANT_BYTES),
  };
}

/** The largest matrices on the host that a GPU multiplies with, in bytes: each is copied there for its time. */
type Streamed = { readonly block: number; readonly output: number };

const NONE: Streamed = { block: 0, output: 0 };

function streamedWeights(model: Model, places: TensorPlaces, placement: Placement): Streamed {
  let block = 0;
  let output = 0;
  for (const { tensor, putsOut } of hostMatrices(model, places, placement)) {
    if (putsOut) output = Math.max(output, tensor.bytes);
    else block = Math.max(block, tensor.bytes);
  }
  return block === 0 && output === 0 ? NONE : { block, output };
}
