import { GGML_TYPES_BY_NAME } from "../../../formats/gguf/types.ts";
import type { ModelTensor } from "../../../model/model.ts";
import type { Device } from "../../device.ts";
import { ALWAYS_DUPLICATES_EMBEDDING, OUTPUT_IS_EMBEDDING } from "../engine-facts.ts";
import { EMBEDDING, OUTPUT_MATRIX, type TensorPlaces } from "../tensor-place.ts";
import { CannotDraw } from "./cannot-draw.ts";
import type { GraphSubject } from "./context.ts";
import { F32, type GraphTensor, type Storage, storedTensor } from "./tensor.ts";

/** A matrix with what may stand beside it in the file: a bias, the scale of an NVFP4 matrix. */
export type Projection = {
  readonly weight: GraphTensor | undefined;
  readonly bias: GraphTensor | undefined;
  readonly scale: GraphTensor | undefined;
};

/** Tensors of a model by name; those of blocks by block, then by what they are called in it. */
export type TensorIndex = {
  readonly all: ReadonlyMap<string, ModelTensor>;
  readonly blocks: ReadonlyMap<string, ReadonlyMap<string, TensorParts>>;
};

/** A weight and what stands beside it: `<block>.<name>.weight`, `.bias`, `.scale`. */
type TensorParts = { weight?: ModelTensor; bias?: ModelTensor; scale?: ModelTensor };

/** Made once for each model: every graph looks hundreds of names up. */
export function indexTensors(tensors: readonly ModelTensor[]): TensorIndex {
  const blocks = new Map<string, Map<string, TensorParts>>();
  for (const tensor of tensors) {
    const [, block, name = "", part] = PARTS.exec(tensor.name) ?? [];
    if (block === undefined) continue;
    const parts = blocks.get(block) ?? new Map<string, TensorParts>();
    blocks.set(block, parts);
    const of = parts.get(name) ?? {};
    parts.set(name, of);
    if (part === "weight" || part === "bias" || part === "scale") of[part] = tensor;
  }
  return { all: new Map(tensors.map((tensor) => [tensor.name, tensor])), blocks };
}

const PARTS = /^(.+?\.\d+)\.(.+)\.(weight|bias|scale)$/;

/** The weights of a model as leafs of a graph, each made when it is first used. */
export class GraphWeights {
  readonly #index: TensorIndex;
  readonly #architecture: string;
  readonly #places: TensorPlaces;
  /** Leafs of a tensor: one, or one for each device that has a copy. */
  readonly #made = new Map<ModelTensor, GraphTensor[]>();
  readonly #storages = new Map<Device, Storage>();
  /** The output matrix that is made of the embedding. */
  #copy: GraphTensor | undefined;

  constructor({ model, places, tensors }: Pick<GraphSubject, "model" | "places" | "tensors">) {
    this.#architecture = model.architecture ?? "";
    this.#places = places;
    this.#index = tensors;
  }

  /** A tensor by its whole name; of one that several devices have a copy of the one on `device`. */
  find(name: string, device?: Device): GraphTensor | undefined {
    const tensor = this.#index.all.get(name);
    return tensor && this.leaf(tensor, device);
  }

  /** What blocks of a prefix have, by their names in it. */
  partsOf(block: string): ReadonlyMap<string, TensorParts> | undefined {
    return this.#index.blocks.get(block);
  }

  /** The leaf of a tensor; undefined of one that is not loaded. */
  leaf(tensor: ModelTensor, device?: Device): GraphTensor | undefined {
    const devices = this.#places.devicesOf(tensor.name);
    const at = device !== undefined && devices.includes(device) ? device : devices[0];
    return at && this.#leafOn(tensor, at);
  }

  /** `find`, of a tensor that the architecture cannot be without. */
  get(name: string): GraphTensor {
    const tensor = this.find(name);
    if (tensor === undefined) throw new MissingWeight(name);
    return tensor;
  }

  /** `get`, of a tensor that the engine loads in other dimensions than the file's (`TENSOR_ALLOW_RESHAPE`). */
  shaped(name: string, ...ne: readonly number[]): GraphTensor {
    return reshaped(this.get(name), ne);
  }

  projection(name: string): Projection {
    return { weight: this.find(`${name}.weight`), bias: this.find(`${name}.bias`), scale: this.find(`${name}.scale`) };
  }

  /** The embedding; where a file has none, a copy of the output matrix beside it (`src/models/codeshell.cpp`). */
  embedding(): GraphTensor {
    const stored = this.find(EMBEDDING);
    if (stored !== undefined) return stored;
    const output = this.get(OUTPUT_MATRIX);
    return reshaped(output, output.ne);
  }

  /** The output matrix, or the embedding that is taken for it: a copy, unless both lie in one buffer. */
  output(): GraphTensor {
    const stored = this.find(OUTPUT_MATRIX);
    if (stored !== undefined) return stored;
    const embedding = this.#index.all.get(EMBEDDING);
    if (embedding === undefined) throw new MissingWeight(OUTPUT_MATRIX);
    const { tiedOutput } = this.#places;
    const isOne = this.#places.devicesOf(EMBEDDING)[0] === tiedOutput;
    if (OUTPUT_IS_EMBEDDING.has(this.#architecture)) return this.get(EMBEDDING);
    if (isOne && !ALWAYS_DUPLICATES_EMBEDDING.has(this.#architecture)) return this.get(EMBEDDING);
    this.#copy ??= this.#newLeaf(embedding, tiedOutput);
    return this.#copy;
  }

  /** A matrix of the model that this one drafts for; where that is not known, one of 32 bits and this shape. */
  ofTarget(name: string, device: Device, target: GraphSubject | undefined, shape: readonly number[]): GraphTensor {
    const known = target?.tensors.all.get(name);
    return known === undefined ? this.#newLeaf({ name, dtype: "F32", shape }, device) : this.#leafOn(known, device);
  }

  /** Says where the weights of a finished graph lie: as in the file, which Metal maps. */
  arrange(): void {
    const made = [...this.#made].flatMap(([tensor, leafs]) => leafs.map((leaf) => ({ tensor, leaf })));
    const at = (offset: number, { tensor, leaf }: (typeof made)[number]): string =>
      `${leaf.storage?.device.name} ${tensor.file} ${offset}`;
    const starts = new Map(made.map((each) => [at(each.tensor.offset, each), each.leaf]));
    const buffers = new Map([...this.#storages.values()].map((storage) => [storage, { isMadeUp: true }]));
    for (const each of made) {
      const { tensor, leaf } = each;
      const buffer = leaf.storage && buffers.get(leaf.storage);
      const next = starts.get(at(tensor.offset + tensor.bytes, each));
      if (buffer) leaf.lies = { buffer, touches: next === undefined ? [leaf] : [leaf, next] };
    }
  }

  #leafOn(tensor: ModelTensor, device: Device): GraphTensor {
    const leafs = this.#made.get(tensor) ?? [];
    const known = leafs.find(({ storage }) => storage?.device === device);
    if (known !== undefined) return known;
    const leaf = this.#newLeaf(tensor, device);
    leafs.push(leaf);
    this.#made.set(tensor, leafs);
    return leaf;
  }

  #newLeaf({ name, dtype, shape }: Pick<ModelTensor, "name" | "dtype" | "shape">, device: Device): GraphTensor {
    return storedTensor(GGML_TYPES_BY_NAME.get(dtype) ?? F32, shape, this.#storage(device), name);
  }

  #storage(device: Device): Storage {
    const storage = this.#storages.get(device) ?? { device, holdsWeights: true };
    this.#storages.set(device, storage);
    return storage;
  }
}

/** Another leaf of the same tensor, in these dimensions: it is asked for once. */
function reshaped({ name, type, storage }: GraphTensor, ne: readonly number[]): GraphTensor {
  return storedTensor(type, ne, storage, name);
}

/** A file lacks a tensor that its architecture's graph reads: no graph can be drawn of it. */
export class MissingWeight extends CannotDraw {
  constructor(name: string) {
    super(`no tensor ${name}`);
  }
}

/** The weights of one block. */
export class BlockWeights {
  readonly index: number;
  readonly #weights: GraphWeights;
  readonly #prefix: string;
  readonly #parts: ReadonlyMap<string, TensorParts> | undefined;
  readonly #scales: ReadonlyMap<string, TensorParts> | undefined;

  /** `stored` is the block that the file has them under, where layers are gone through again; scales are of each pass. */
  constructor(weights: GraphWeights, index: number, prefix = "blk", stored: number = index) {
    this.index = index;
    this.#weights = weights;
    this.#prefix = `${prefix}.${stored}`;
    this.#parts = weights.partsOf(this.#prefix);
    this.#scales = stored === index ? this.#parts : weights.partsOf(`${prefix}.${index}`);
  }

  /** `blk.<index>.<name>.weight`, where the file has it. */
  weight(name: string): GraphTensor | undefined {
    return this.#part(name, "weight");
  }

  bias(name: string): GraphTensor | undefined {
    return this.#part(name, "bias");
  }

  scale(name: string): GraphTensor | undefined {
    const tensor = this.#scales?.get(name)?.scale;
    return tensor && this.#weights.leaf(tensor);
  }

  /** A tensor whose name ends otherwise, such as `ssm_a`. */
  plain(name: string): GraphTensor | undefined {
    return this.#weights.find(`${this.#prefix}.${name}`);
  }

  /** `plain`, of a tensor that the architecture cannot be without. */
  needPlain(name: string): GraphTensor {
    return this.#weights.get(`${this.#prefix}.${name}`);
  }

  /** A weight that the architecture cannot be without. */
  need(name: string): GraphTensor {
    const weight = this.weight(name);
    if (weight === undefined) throw new MissingWeight(`${this.#prefix}.${name}.weight`);
    return weight;
  }

  projection(name: string): Projection {
    return { weight: this.weight(name), bias: this.bias(name), scale: this.scale(name) };
  }

  #part(name: string, part: "weight" | "bias"): GraphTensor | undefined {
    const tensor = this.#parts?.get(name)?.[part];
    return tensor && this.#weights.leaf(tensor);
  }

  /** A weight that the engine loads in other dimensions than the file's (`TENSOR_ALLOW_RESHAPE`). */
  shaped(name: string, ...ne: readonly number[]): GraphTensor {
    return reshaped(this.need(name), ne);
  }
}
