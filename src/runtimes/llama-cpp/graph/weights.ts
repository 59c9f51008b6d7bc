import { GGML_TYPES_BY_NAME } from "../../../formats/gguf/types.ts";
import type { Model, ModelTensor } from "../../../model/model.ts";
import type { Device } from "../../device.ts";
import { ALWAYS_DUPLICATES_EMBEDDING, OUTPUT_IS_EMBEDDING } from "../engine-facts.ts";
import { EMBEDDING, OUTPUT_MATRIX, type TensorPlaces } from "../tensor-place.ts";
import { contiguous, F32, fourOf, GraphTensor, type Storage } from "./tensor.ts";

/** A matrix with what may stand beside it in the file: a bias, the scale of an NVFP4 matrix. */
export type Projection = {
  readonly weight: GraphTensor | undefined;
  readonly bias: GraphTensor | undefined;
  readonly scale: GraphTensor | undefined;
};

/** The weights of a model as leafs of a graph, each made when it is first used. */
export class GraphWeights {
  readonly #tensors: ReadonlyMap<string, ModelTensor>;
  readonly #model: Model;
  readonly #places: TensorPlaces;
  readonly #made = new Map<string, GraphTensor>();
  readonly #storages = new Map<Device, Storage>();

  constructor(model: Model, places: TensorPlaces) {
    this.#model = model;
    this.#places = places;
    this.#tensors = new Map(model.tensors.map((tensor) => [tensor.name, tensor]));
  }

  /** A tensor by its whole name; of one that several devices have a copy of the one on `device`. */
  find(name: string, device?: Device): GraphTensor | undefined {
    const tensor = this.#tensors.get(name);
    if (tensor === undefined) return undefined;
    const devices = this.#places.devicesOf(name);
    const at = device !== undefined && devices.includes(device) ? device : devices[0];
    return at && this.#leaf(tensor, at);
  }

  /** `find`, of a tensor that the architecture cannot be without. */
  get(name: string): GraphTensor {
    const tensor = this.find(name);
    if (tensor === undefined) throw new MissingWeight(name);
    return tensor;
  }

  projection(name: string): Projection {
    return { weight: this.find(`${name}.weight`), bias: this.find(`${name}.bias`), scale: this.find(`${name}.scale`) };
  }

  /** The output matrix, or the embedding that is taken for it: a copy, unless both lie in one buffer. */
  output(): GraphTensor {
    const stored = this.find(OUTPUT_MATRIX);
    if (stored !== undefined) return stored;
    const embedding = this.#tensors.get(EMBEDDING);
    if (embedding === undefined) throw new MissingWeight(OUTPUT_MATRIX);
    const { architecture } = this.#model;
    const { tiedOutput } = this.#places;
    const isOne = this.#places.devicesOf(EMBEDDING)[0] === tiedOutput;
    if (OUTPUT_IS_EMBEDDING.has(architecture ?? "")) return this.get(EMBEDDING);
    if (isOne && !ALWAYS_DUPLICATES_EMBEDDING.has(architecture ?? "")) return this.get(EMBEDDING);
    return this.#leaf(embedding, tiedOutput, " copy");
  }

  /** A matrix of the model that this one drafts for; without its type and shape, which change no size of a product. */
  ofTarget(name: string, device: Device, target: Model | undefined): GraphTensor {
    const { hiddenSize, vocabularySize } = this.#model;
    const known = target?.tensors.find((tensor) => tensor.name === name);
    return this.#leaf(known ?? { name, dtype: "F32", shape: [hiddenSize ?? 0, vocabularySize ?? 0] }, device);
  }

  #leaf({ name, dtype, shape }: Pick<ModelTensor, "name" | "dtype" | "shape">, device: Device, copy = ""): GraphTensor {
    const key = `${name}${copy} ${device.name}`;
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const type = GGML_TYPES_BY_NAME.get(dtype) ?? F32;
    const ne = fourOf(shape);
    const leaf = new GraphTensor("NONE", type, ne, contiguous(type, ne), [], undefined, this.#storage(device));
    leaf.name = name;
    this.#made.set(key, leaf);
    return leaf;
  }

  #storage(device: Device): Storage {
    const storage = this.#storages.get(device) ?? { device, holdsWeights: true };
    this.#storages.set(device, storage);
    return storage;
  }
}

/** A file lacks a tensor that its architecture's graph reads: no graph can be drawn of it. */
export class MissingWeight extends Error {
  constructor(name: string) {
    super(`no tensor ${name}`);
  }
}

/** The weights of one block. */
export class BlockWeights {
  readonly index: number;
  readonly #weights: GraphWeights;
  readonly #prefix: string;

  constructor(weights: GraphWeights, index: number, prefix = "blk") {
    this.index = index;
    this.#weights = weights;
    this.#prefix = `${prefix}.${index}.`;
  }

  /** `blk.<index>.<name>.weight`, where the file has it. */
  weight(name: string): GraphTensor | undefined {
    return this.#weights.find(`${this.#prefix}${name}.weight`);
  }

  bias(name: string): GraphTensor | undefined {
    return this.#weights.find(`${this.#prefix}${name}.bias`);
  }

  scale(name: string): GraphTensor | undefined {
    return this.#weights.find(`${this.#prefix}${name}.scale`);
  }

  /** A tensor whose name ends otherwise, such as `ssm_a`. */
  plain(name: string): GraphTensor | undefined {
    return this.#weights.find(this.#prefix + name);
  }

  /** A weight that the architecture cannot be without. */
  need(name: string): GraphTensor {
    return this.#weights.get(`${this.#prefix}${name}.weight`);
  }

  projection(name: string): Projection {
    return this.#weights.projection(this.#prefix + name);
  }
}
