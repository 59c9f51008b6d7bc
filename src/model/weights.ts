import type { TensorEntry } from "../formats/tensor-entry.ts";
import type { Component, Model, ModelTensor } from "./model.ts";
import type { LayerShape } from "./shape.ts";
import type { TensorPlace } from "./tensor-names.ts";

const COMPONENTS: readonly Component[] = [
  "embedding",
  "attention",
  "recurrent",
  "feedForward",
  "experts",
  "norm",
  "output",
  "vision",
  "mtp",
  "other",
];

/** Tensors with what they are for. Blocks from `mainLayers` on, and a separate MTP list, predict further tokens. */
export function describeTensors(
  tensors: readonly TensorEntry[],
  places: readonly TensorPlace[],
  parameters: readonly number[],
  layers: { readonly main: number; readonly all: number },
): ModelTensor[] {
  const separateFrom = layers.main;
  const shapes = new Map<string, readonly number[]>();
  // There may be 100,000: each is written once, frozen at hand, and shapes that are alike are one.
  return tensors.map((tensor, index) => {
    const place = places[index];
    const block = place?.block;
    const layer = block === undefined ? undefined : place?.separateMtp ? separateFrom + block : block;
    const isMtp = layer !== undefined && layer >= layers.main && layer < layers.all;
    const described: { -readonly [Field in keyof ModelTensor]: ModelTensor[Field] } = {
      name: tensor.name,
      dtype: tensor.dtype,
      shape: sharedShape(shapes, tensor.shape),
      elements: tensor.elements,
      parameters: parameters[index] ?? tensor.elements,
      bytes: tensor.bytes,
      file: tensor.file,
      offset: tensor.offset,
      component: isMtp ? "mtp" : (place?.component ?? "other"),
    };
    if (layer !== undefined && layer < layers.all) described.layer = layer;
    return Object.freeze(described);
  });
}

function sharedShape(shapes: Map<string, readonly number[]>, shape: readonly number[]): readonly number[] {
  const key = shape.join();
  const known = shapes.get(key);
  if (known !== undefined) return known;
  const own = Object.freeze([...shape]);
  shapes.set(key, own);
  return own;
}

/** Bytes of all tensors as stored, by dtype and component. */
export function weighTensors(tensors: readonly ModelTensor[]): Model["weights"] {
  const byDtype = new Map<string, { tensors: number; bytes: number }>();
  const byComponent = new Map<Component, number>(COMPONENTS.map((component) => [component, 0]));
  let bytes = 0;
  for (const tensor of tensors) {
    bytes += tensor.bytes;
    byComponent.set(tensor.component, (byComponent.get(tensor.component) ?? 0) + tensor.bytes);
    const dtype = byDtype.get(tensor.dtype) ?? { tensors: 0, bytes: 0 };
    dtype.tensors += 1;
    dtype.bytes += tensor.bytes;
    byDtype.set(tensor.dtype, dtype);
  }
  const of = (component: Component): number => byComponent.get(component) ?? 0;
  return {
    bytes,
    byDtype: Object.fromEntries(byDtype),
    byComponent: {
      embedding: of("embedding"),
      attention: of("attention"),
      recurrent: of("recurrent"),
      feedForward: of("feedForward"),
      experts: of("experts"),
      norm: of("norm"),
      output: of("output"),
      vision: of("vision"),
      mtp: of("mtp"),
      other: of("other"),
    },
  };
}

/** Bytes of the tensors of each layer. */
export function layerBytes(tensors: readonly ModelTensor[], layers: number): number[] {
  const bytes = new Array<number>(layers).fill(0);
  for (const { layer, bytes: tensorBytes } of tensors) {
    if (layer !== undefined) bytes[layer] = (bytes[layer] ?? 0) + tensorBytes;
  }
  return bytes;
}

/**
 * `total`: what every tensor in the files stands for. `active`: without blocks that predict further tokens, and of
 * routed experts the share one token visits, in an encoder as in the decoder after it.
 */
export function countParameters(tensors: readonly ModelTensor[], layers: readonly LayerShape[]): Model["parameters"] {
  const routed = new Map<string, { parameters: ExactSum; used: bigint; experts: bigint }>();
  const inEncoder = layers.find(({ feedForward }) => feedForward.kind === "experts")?.feedForward;
  const total = exactSum();
  const active = exactSum();
  for (const { component, layer, parameters } of tensors) {
    total.add(parameters);
    const part = layer === undefined ? inEncoder : layers[layer]?.feedForward;
    if (component === "experts" && part?.kind === "experts" && part.experts > 0) {
      const key = `${part.expertsPerToken}/${part.experts}`;
      const share = routed.get(key) ?? {
        parameters: exactSum(),
        used: BigInt(part.expertsPerToken),
        experts: BigInt(part.experts),
      };
      share.parameters.add(parameters);
      routed.set(key, share);
    } else if (component !== "mtp") active.add(parameters);
  }
  let activeCount = active.value();
  for (const { parameters, used, experts } of routed.values()) activeCount += (parameters.value() * used) / experts;
  return { total: Number(total.value()), active: Number(activeCount) };
}

type ExactSum = { add(count: number): void; value(): bigint };

/** A sum of safe integers that stays exact beyond 2^53, without a bigint for each of 100,000 tensors. */
function exactSum(): ExactSum {
  let high = 0n;
  let low = 0;
  return {
    add(count) {
      if (low + count > Number.MAX_SAFE_INTEGER) {
        high += BigInt(low);
        low = 0;
      }
      low += count;
    },
    value: () => high + BigInt(low),
  };
}
