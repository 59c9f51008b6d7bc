import type { StateTensor } from "../../../model/mixer.ts";
import { attentionPart, recurrentPart } from "../../../model/mixer-parts.ts";
import type { MetadataValue, Model, ModelLayer } from "../../../model/model.ts";
import { blockCount } from "../cached-layers.ts";
import { ROUTER_LAYER } from "../engine-facts.ts";
import { CannotDraw } from "./cannot-draw.ts";

/** `LLAMA_MAX_LAYERS` (`src/llama-hparams.h`): the engine loads no model of more. */
const MOST_LAYERS = 512;

/** `LLAMA_MAX_EXPERTS` (`src/llama-hparams.h:12`). */
const MOST_PARTS = 1024;

function fewEnough(count: number): number {
  if (!(count <= MOST_PARTS)) throw new CannotDraw(`${count} parts`);
  return count;
}

/** The numbers of one model as the engine keeps them (llama.cpp 0.5.0 `src/llama-hparams.h`): keys of the file, by layer. */
export class Hyperparameters {
  readonly architecture: string;
  /** Layers that the graph runs (`n_layer`), each pass of looped ones: without those that predict further tokens, unless there are no others. */
  readonly layerCount: number;
  /** With them (`n_layer_all`). */
  readonly allLayers: number;
  /** The layer of one head whose cache holds which adapter each token chose (`router_layer`); most models have none. */
  readonly routerLayer: number | undefined;
  readonly hiddenSize: number;
  readonly vocabularySize: number;
  readonly #metadata: Model["metadata"];
  /** Keys that were looked up, by their names without the architecture. */
  readonly #known = new Map<string, MetadataValue | undefined>();
  readonly #layers: readonly ModelLayer[];

  constructor(model: Model) {
    const { architecture, layers, hiddenSize, vocabularySize, metadata } = model;
    this.architecture = architecture ?? "";
    this.hiddenSize = hiddenSize ?? 0;
    this.vocabularySize = vocabularySize ?? 0;
    this.#metadata = metadata;
    this.#layers = layers;
    this.allLayers = blockCount(model);
    this.routerLayer = ROUTER_LAYER.has(this.architecture) ? this.allLayers - 1 : undefined;
    const predicting = this.number("nextn_predict_layers", 0);
    this.layerCount = this.routerLayer ?? (predicting < this.allLayers ? this.allLayers - predicting : this.allLayers);
    if (!(this.allLayers <= MOST_LAYERS)) throw new CannotDraw(`${this.allLayers} layers`);
  }

  /** A key of the architecture, `<architecture>.<name>`; undefined where the file has none. */
  key(name: string): MetadataValue | undefined {
    const known = this.#known.get(name);
    if (known !== undefined || this.#known.has(name)) return known;
    const value = this.#metadata[`${this.architecture}.${name}`];
    this.#known.set(name, value);
    return value;
  }

  /** A number; of a key that has one for each layer the first. */
  number(name: string, otherwise: number): number {
    return numberOf(this.key(name), 0) ?? otherwise;
  }

  /** A number of things that a graph has one by one; 0 where the file does not say. */
  count(name: string): number {
    return fewEnough(this.number(name, 0));
  }

  flag(name: string, otherwise: boolean): boolean {
    const value = this.key(name);
    return typeof value === "boolean" ? value : typeof value === "number" ? value !== 0 : otherwise;
  }

  /** A number of one layer, of a key that is one for all or an array. */
  ofLayer(name: string, layer: number, otherwise: number): number {
    return numberOf(this.key(name), layer) ?? otherwise;
  }

  /** Query heads (`n_head`). */
  heads(layer = 0): number {
    return layer === this.routerLayer ? 1 : this.ofLayer("attention.head_count", layer, 0);
  }

  /** Key and value heads (`n_head_kv`). */
  kvHeads(layer = 0): number {
    return layer === this.routerLayer ? 1 : this.ofLayer("attention.head_count_kv", layer, this.heads(layer));
  }

  /** Size of one key head (`n_embd_head_k`); windowed layers may have another. */
  keyDim(layer = 0): number {
    return this.#headDim("key", layer);
  }

  /** Size of one value head (`n_embd_head_v`). */
  valueDim(layer = 0): number {
    return this.#headDim("value", layer);
  }

  #headDim(part: "key" | "value", layer: number): number {
    const heads = this.heads();
    const full = this.number(`attention.${part}_length`, heads > 0 ? this.hiddenSize / heads : 0);
    return this.isWindowed(layer) ? this.number(`attention.${part}_length_swa`, full) : full;
  }

  /** Elements of a head that are rotated (`n_rot`). */
  rotaryDims(layer = 0): number {
    const full = this.number("rope.dimension_count", this.number("attention.key_length", this.keyDim()));
    return this.isWindowed(layer) ? this.number("rope.dimension_count_swa", full) : full;
  }

  /** Width of the dense feed-forward (`n_ff`). */
  intermediateSize(layer = 0): number {
    return this.ofLayer("feed_forward_length", layer, 0);
  }

  expertCount(): number {
    return this.number("expert_count", 0);
  }

  /** Experts that a token is given to (`n_expert_used`). */
  expertsUsed(layer = 0): number {
    return fewEnough(this.ofLayer("expert_used_count", layer, 0));
  }

  /** True for layers that see a window only (`is_swa`). */
  isWindowed(layer: number): boolean {
    const mixer = this.#layers[layer]?.mixer;
    const window = mixer && attentionPart(mixer)?.window;
    return window !== undefined && window.kind !== "none";
  }

  /** True where any layer sees a window only (`is_swa_any`). */
  hasWindows(): boolean {
    return this.#layers.some((_, layer) => this.isWindowed(layer));
  }

  /** The layer whose cache this one reads: its own, or that of an earlier one. */
  cacheLayer(layer: number): number {
    const mixer = this.#layers[layer]?.mixer;
    const attention = mixer && attentionPart(mixer);
    return (attention?.kind === "attention" ? attention.sharesCacheWith : undefined) ?? layer;
  }

  /** True for layers of a draft that read the cache of its target. */
  readsTarget(layer: number): boolean {
    const mixer = this.#layers[layer]?.mixer;
    const attention = mixer && attentionPart(mixer);
    return attention?.kind === "attention" && attention.readsTargetCache === true;
  }

  /** True for layers with a recurrence (`is_recr`), alone or beside an attention. */
  isRecurrent(layer: number): boolean {
    const mixer = this.#layers[layer]?.mixer;
    return mixer !== undefined && recurrentPart(mixer) !== undefined;
  }

  /** Elements of a layer's state of one sequence (`n_embd_r`, `n_embd_s`); none of a state that its recurrence lacks. */
  stateElements(layer: number, name: StateTensor["name"]): number {
    const mixer = this.#layers[layer]?.mixer;
    const states = mixer && recurrentPart(mixer)?.state.filter((state) => state.name === name);
    if (states === undefined) throw new CannotDraw(`layer ${layer} has no ${name} state`);
    return states.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
  }
}

function numberOf(value: MetadataValue | undefined, index: number): number | undefined {
  if (Array.isArray(value)) return numberOf(value[index], 0);
  if (typeof value === "boolean") return Number(value);
  return typeof value === "number" ? value : undefined;
}
