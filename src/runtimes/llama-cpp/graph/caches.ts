import type { GgmlType } from "../../../formats/gguf/types.ts";
import type { StateTensor } from "../../../model/mixer.ts";
import type { Device } from "../../device.ts";
import { type LayerRows, layerRows, valuesAreTransposed } from "../cache.ts";
import { cacheGgmlType } from "../cache-type.ts";
import { cachedLayers } from "../cached-layers.ts";
import { ROLLS_BACK_STATES } from "../engine-facts.ts";
import type { LlamaCppCacheType } from "../workload.ts";
import { arrangeCaches } from "./cache-buffers.ts";
import { CannotDraw } from "./cannot-draw.ts";
import type { GraphSubject } from "./context.ts";
import type { Hyperparameters } from "./hyperparameters.ts";
import { setRows } from "./ops/products.ts";
import { cont, pad, reshape, view } from "./ops/shapes.ts";
import { F16, F32, type GraphTensor, I64, inputTensor, rowBytes, type Storage, storedTensor } from "./tensor.ts";

/** Keys and values of one layer, `[row, cells, streams]`; no values where a row is both. */
type CacheTensors = {
  readonly key: GraphTensor;
  readonly value: GraphTensor | undefined;
  readonly cells: number;
  readonly streams: number;
};

/** Which of a layer's caches: the keys and values, rows that stand for several tokens, keys of an indexer. */
type CacheRole = LayerRows["role"];

/** What attention over one pool of cells is told: where to write, and what each token may see. */
export type PoolInputs = {
  readonly keyRows: GraphTensor;
  readonly valueRows: GraphTensor;
  readonly mask: GraphTensor;
  /** How many cells a token sees at most, where the mask hides most of them. */
  readonly mostCells?: number;
  /** Quantized caches hold rotated rows (Hadamard matrices, `src/llama-kv-cache.cpp:1437`). */
  readonly keyRotation: GraphTensor | undefined;
  readonly valueRotation: GraphTensor | undefined;
};

/** The same of the keys of an indexer; its own kernel takes the mask in 16 bits whatever attention does. */
export type IndexInputs = {
  readonly keyRows: GraphTensor;
  readonly mask: GraphTensor;
  readonly rotation: GraphTensor | undefined;
};

/** The caches of a context as leafs of a graph (llama.cpp 0.5.0 `src/llama-kv-cache.cpp`). */
export class GraphCaches {
  readonly #subject: GraphSubject;
  readonly #hp: Hyperparameters;
  readonly #rows: ReadonlyMap<number, readonly LayerRows[]>;
  readonly #made = new Map<string, CacheTensors>();
  readonly #storages = new Map<Device, Storage>();
  readonly #target: GraphCaches | undefined;

  constructor(subject: GraphSubject) {
    this.#subject = subject;
    this.#hp = subject.hp;
    this.#target = subject.target && new GraphCaches(subject.target);
    this.#rows = layerRows(subject.model, subject.settings, subject.cells, cachedLayers(subject.model));
  }

  /** The cache of a layer. */
  of(layer: number, role: CacheRole = "main"): CacheTensors {
    const name = `${role} ${layer}`;
    const known = this.#made.get(name);
    if (known !== undefined) return known;
    if (this.#target !== undefined && this.#hp.readsTarget(layer))
      return this.#target.#last(this.#hp.isWindowed(layer));
    const rows = this.#rows.get(layer)?.find((each) => each.role === role);
    if (rows === undefined) throw new CannotDraw(`layer ${layer} has no ${role} cache`);
    const { settings } = this.#subject;
    const storage = this.#storage(layer);
    const tensor = (type: GgmlType, width: number): GraphTensor =>
      storedTensor(type, [width, rows.cells, rows.streams], storage);
    const made: CacheTensors = {
      key: tensor(cacheGgmlType(settings.cacheTypeK), rows.key),
      value: rows.value === 0 ? undefined : tensor(cacheGgmlType(settings.cacheTypeV), rows.value),
      cells: rows.cells,
      streams: rows.streams,
    };
    this.#made.set(name, made);
    return made;
  }

  /** What a draft reads: the last layer's, or where it sees a window the one before (`src/llama-model.cpp:2698`). */
  #last(windowed: boolean): CacheTensors {
    return this.of(this.#hp.cacheLayer(this.#hp.layerCount - (windowed ? 2 : 1)));
  }

  /** States kept of each sequence: the last one, and those before it that can be gone back to (`n_rs_seq`). */
  get statesKept(): number {
    const { model, settings } = this.#subject;
    return 1 + (ROLLS_BACK_STATES.has(model.architecture ?? "") ? settings.rollbackRows : 0);
  }

  /** A state of a layer's recurrence, `[elements, rows]` in float32 (`src/llama-memory-recurrent.cpp:101`). */
  state(layer: number, name: StateTensor["name"]): GraphTensor {
    const rows = this.#subject.settings.sequences * this.statesKept;
    return this.#stateTensor(layer, name, [this.#hp.stateElements(layer, name), rows]);
  }

  /** Says where the caches of a finished graph lie: those that see a window in buffers of their own, as those of each role. */
  arrange(): void {
    arrangeCaches(
      [...this.#made].map(([key, { key: keys, value }]) => {
        const [, name = "", number] = /^(.*) (\d+)$/.exec(key) ?? [];
        const layer = Number(number);
        const tensors = value === undefined ? [keys] : [keys, value];
        return { name, layer, isWindowed: this.#hp.isWindowed(layer), tensors };
      }),
    );
    this.#target?.arrange();
  }

  /** Unfinished rows of a compressor, or their scores, in float32: `[width, rows, planes]` (`llama_dsv4_comp_state`). */
  compressorState(layer: number, name: string, width: number, rows: number, planes: number): GraphTensor {
    return this.#stateTensor(layer, name, [width, rows, planes]);
  }

  #stateTensor(layer: number, name: string, ne: readonly number[]): GraphTensor {
    const key = `${name} ${layer}`;
    const known = this.#made.get(key);
    if (known !== undefined) return known.key;
    const tensor = storedTensor(F32, ne, this.#storage(layer));
    const [, cells, streams] = tensor.ne;
    this.#made.set(key, { key: tensor, value: undefined, cells, streams });
    return tensor;
  }

  /** The rotation of keys of a size (`build_input_k_rot`): of quantized ones, and where those of the indexer are as long. */
  keyRotation(size: number): GraphTensor | undefined {
    const isQuantized = cacheGgmlType(this.#subject.settings.cacheTypeK).blockElements > 1;
    const isLikeIndex = size === this.#hp.number("attention.indexer.key_length", 0);
    return size > 0 && (isLikeIndex || (isQuantized && size % 64 === 0)) ? rotationOf(size) : undefined;
  }

  /** Inputs of the caches that see a window, or of those that see everything. */
  poolInputs({ tokens, sequences, fused }: Batch, windowed: boolean): PoolInputs {
    const { settings, cells, model } = this.#subject;
    const layers = [...this.#rows.keys()].filter((layer) => this.#hp.isWindowed(layer) === windowed);
    const [first = -1] = layers;
    const reads = this.#target !== undefined && this.#hp.readsTarget(first);
    const held = reads ? this.of(first).cells : (this.#rows.get(first)?.[0]?.cells ?? cells.full);
    const streams = settings.unifiedCache ? 1 : sequences;
    const widest = Math.max(...this.#everyLayer().map((layer) => this.#hp.valueDim(layer) * this.#hp.kvHeads(layer)));
    return {
      keyRows: inputTensor(I64, [tokens]),
      valueRows: inputTensor(I64, [valuesAreTransposed(model, settings) ? tokens * widest : tokens]),
      mask: inputTensor(fused.flashAttention ? F16 : F32, [held, tokens / streams, 1, streams]),
      keyRotation: this.#rotation(settings.cacheTypeK, layers, "key"),
      valueRotation: this.#rotation(settings.cacheTypeV, layers, "value"),
    };
  }

  /** Inputs of the index keys (`build_attn_inp_k_dsa`): their rotation is there whatever type they are cached in. */
  indexInputs({ tokens, sequences }: Batch): IndexInputs {
    const { settings, cells } = this.#subject;
    const streams = settings.unifiedCache ? 1 : sequences;
    const size = this.#hp.number("attention.indexer.key_length", 0);
    return {
      keyRows: inputTensor(I64, [tokens]),
      mask: inputTensor(F16, [cells.full, tokens / streams, 1, streams]),
      rotation: size > 0 ? rotationOf(size) : undefined,
    };
  }

  /** True where a layer has a cache of the role. */
  has(layer: number, role: CacheRole): boolean {
    return this.#rows.get(layer)?.some((each) => each.role === role) ?? false;
  }

  #everyLayer(): number[] {
    return Array.from({ length: this.#hp.allLayers }, (_, layer) => layer);
  }

  /** Where all layers of a pool have heads of one size, quantized ones are rotated: keys whole, values by 64. */
  #rotation(type: LlamaCppCacheType, layers: readonly number[], part: "key" | "value"): GraphTensor | undefined {
    const dimOf = (layer: number): number => (part === "key" ? this.#hp.keyDim(layer) : this.#hp.valueDim(layer));
    const sizes = new Set(layers.map(dimOf));
    const [size = 0] = sizes;
    const isQuantized = cacheGgmlType(type).blockElements > 1;
    if (!isQuantized || sizes.size !== 1 || size <= 0 || dimOf(0) % 64 !== 0) return undefined;
    return part === "key" ? rotationOf(size) : inputTensor(F32, [64, 64]);
  }

  /** Writes the keys of the batch, `[head, heads, tokens]`, to their cells (`cpy_k`). */
  storeKeys(layer: number, keys: GraphTensor, rows: GraphTensor, role: CacheRole = "main"): GraphTensor {
    const { key } = this.of(layer, role);
    return setRows(joined(key), flat(keys), rows);
  }

  /** The same of values; without flash attention each element is a row of its own (`cpy_v`). */
  storeValues(layer: number, values: GraphTensor, rows: GraphTensor, role: CacheRole = "main"): GraphTensor {
    const { value } = this.of(layer, role);
    if (value === undefined) throw new CannotDraw(`layer ${layer} has no values`);
    if (!valuesAreTransposed(this.#subject.model, this.#subject.settings))
      return setRows(joined(value), flat(values), rows);
    const width = values.ne[0] * values.ne[1];
    const isWhole = rowBytes(values.type, width) === values.nb[2];
    const joinedRows = isWhole ? reshape(values, width, values.ne[2]) : cont(values, width, values.ne[2]);
    const padded = width < value.ne[0] ? pad(joinedRows, value.ne[0] - width) : joinedRows;
    const target = reshape(value, 1, value.elements);
    return setRows(target, reshape(padded, 1, padded.elements), rows);
  }

  /** The keys of all cells, `[head, heads, cells, streams]` (`get_k`). */
  keys(layer: number, role: CacheRole = "main", heads: number = this.#hp.kvHeads(layer)): GraphTensor {
    const { key, cells, streams } = this.of(layer, role);
    const dim = key.ne[0] / heads;
    return view(
      key,
      [dim, heads, cells, streams],
      [rowBytes(key.type, dim), rowBytes(key.type, key.ne[0]), rowBytes(key.type, key.ne[0] * cells)],
    );
  }

  /** The values of all cells: as keys, or transposed without flash attention (`get_v`). */
  values(layer: number, role: CacheRole = "main", heads: number = this.#hp.kvHeads(layer)): GraphTensor {
    const { value, cells, streams } = this.of(layer, role);
    if (value === undefined) throw new CannotDraw(`layer ${layer} has no values`);
    const dim = this.#hp.valueDim(layer);
    const { type, ne } = value;
    if (!valuesAreTransposed(this.#subject.model, this.#subject.settings)) {
      return view(
        value,
        [dim, heads, cells, streams],
        [rowBytes(type, dim), rowBytes(type, ne[0]), rowBytes(type, ne[0] * cells)],
      );
    }
    return view(
      value,
      [cells, heads, dim, streams],
      [rowBytes(type, cells * dim), rowBytes(type, cells), rowBytes(type, cells * ne[0])],
    );
  }

  #storage(layer: number): Storage {
    const { settings, placement } = this.#subject;
    const device = settings.offloadCache ? placement.deviceOf(layer) : placement.host;
    const storage = this.#storages.get(device) ?? { device, holdsWeights: false };
    this.#storages.set(device, storage);
    return storage;
  }
}

/** The largest matrix of a power of two, from 64, that goes into a head. */
function rotationOf(size: number): GraphTensor {
  let rotated = 64;
  do rotated *= 2;
  while (size % rotated === 0);
  rotated /= 2;
  return inputTensor(F32, [rotated, rotated]);
}

type Batch = {
  readonly tokens: number;
  readonly sequences: number;
  readonly fused: { readonly flashAttention: boolean };
};

/** Cells of all streams in one run: rows are counted over all of them. */
function joined(cache: GraphTensor): GraphTensor {
  const [width, cells, streams] = cache.ne;
  return streams > 1 ? reshape(cache, width, cells * streams) : cache;
}

/** Heads of a token in one row. */
function flat(heads: GraphTensor): GraphTensor {
  return view(heads, [heads.ne[0] * heads.ne[1], heads.ne[2]], [heads.nb[2]]);
}
