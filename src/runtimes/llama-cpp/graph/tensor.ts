import { GGML_TYPES_BY_NAME, type GgmlType } from "../../../formats/gguf/types.ts";
import type { Device } from "../../device.ts";
import { CannotDraw } from "./cannot-draw.ts";
import type { Operation } from "./operation.ts";

/** Elements in each of four dimensions, fastest first (`ne`), or bytes from one to the next (`nb`). */
export type Four = readonly [number, number, number, number];

/** Memory a tensor lies in before the graph is planned: weights of the model, or a cache. */
export type Storage = {
  readonly device: Device;
  readonly holdsWeights: boolean;
  /** Reordered for the CPU: no other device reads it (`ggml_backend_buffer_is_host`). */
  readonly isReordered?: boolean;
};

/** A buffer of weights or caches. `isMadeUp`: where the engine only measures there is none, and all lie at its start. */
export type FilledBuffer = { readonly isMadeUp: boolean };

export const F32: GgmlType = typeNamed("F32");
export const F16: GgmlType = typeNamed("F16");
export const I32: GgmlType = typeNamed("I32");
export const I64: GgmlType = typeNamed("I64");

/** Filled in before each batch. */
export const INPUT = 1;
/** Read after the graph has run: its memory is never given to another. */
export const OUTPUT = 2;

/** Tensors that a drawing may still make. */
let allowed = Number.POSITIVE_INFINITY;

/** Draws, and breaks off with {@link CannotDraw} where it would make more than `most` tensors: a file may claim any number of parts. */
export function withinTensors<Drawn>(most: number, drawing: () => Drawn): Drawn {
  allowed = most;
  try {
    return drawing();
  } finally {
    allowed = Number.POSITIVE_INFINITY;
  }
}

/** A node or leaf of a graph, as `struct ggml_tensor` of llama.cpp 0.5.0 (`ggml/include/ggml.h`): a shape, without data. */
export class GraphTensor {
  readonly operation: Operation;
  readonly type: GgmlType;
  /** Elements, fastest dimension first. */
  readonly ne: Four;
  /** Bytes from one element, row, … to the next. */
  readonly nb: Four;
  /** What it is computed from. The scheduler puts copies in the place of those on another device. */
  sources: readonly GraphTensor[];
  /** The tensor whose memory this one looks into; never a view itself. */
  readonly viewOf: GraphTensor | undefined;
  /** Where it lies, of weights and caches. */
  readonly storage: Storage | undefined;
  /** Of weights their name in the file. */
  name = "";
  /** INPUT and OUTPUT, added. */
  flags = 0;
  /** Of attention to few of its cells: how many of them a token sees at most (`n_kv_max`). */
  mostCells: number | undefined;
  /** A device that it is computed on whatever the scheduler would choose. */
  pinnedTo: Device | undefined;
  /** Of products: what is multiplied is not to be made smaller than 32 bits (`ggml_prec_set_src`). */
  keepsInput = false;
  /** Of products: sums are kept in 32 bits (`ggml_prec_set_acc`). */
  keepsSums = false;
  /** A tensor belongs to one graph, which marks it here when it is met. */
  isMet = false;
  /** How often nodes of the graph read it. */
  uses = 0;
  /** Of weights and caches, the buffer they lie in, and which they touch there: themselves, and what follows without a gap. */
  lies: { readonly buffer: FilledBuffer; readonly touches: readonly GraphTensor[] } | undefined;
  /** Index of the device that the scheduler chose; below 0 while there is none. */
  backend = -1;

  // The planner's; a graph is planned once.
  /** Nodes that have yet to read it. */
  readers = 0;
  /** Views into it that are in use. */
  views = 0;
  /** Its memory is its own: not external, not a view, not given on. */
  ownsMemory = false;
  /** Where its memory is: buffer, piece of the buffer, first byte, and how many bytes, aligned. */
  buffer = 0;
  piece = 0;
  offset = 0;
  plannedBytes = 0;

  constructor(
    operation: Operation,
    type: GgmlType,
    ne: Four,
    nb: Four = contiguous(type, ne),
    sources: readonly GraphTensor[] = NONE,
    view?: GraphTensor,
    storage?: Storage,
  ) {
    if (--allowed < 0) throw new CannotDraw("a graph of too many tensors");
    this.operation = operation;
    this.type = type;
    this.ne = ne;
    this.nb = nb;
    this.sources = sources;
    this.viewOf = view?.viewOf ?? view;
    this.storage = storage;
  }

  /** Bytes from its first to its last element (`ggml_nbytes`). */
  get bytes(): number {
    const { ne, nb, type } = this;
    if (ne[0] <= 0 || ne[1] <= 0 || ne[2] <= 0 || ne[3] <= 0) return 0;
    const row = type.blockElements === 1 ? type.blockBytes + (ne[0] - 1) * nb[0] : (ne[0] * nb[0]) / type.blockElements;
    return row + (ne[1] - 1) * nb[1] + (ne[2] - 1) * nb[2] + (ne[3] - 1) * nb[3];
  }

  get elements(): number {
    const { ne } = this;
    return ne[0] * ne[1] * ne[2] * ne[3];
  }

  /** Where its memory lies before the graph is planned; undefined for what the planner has to place. */
  get placed(): Storage | undefined {
    return this.viewOf === undefined ? this.storage : this.viewOf.storage;
  }
}

const NONE: readonly GraphTensor[] = [];

/** A tensor that is filled in from outside: `ggml_new_tensor`, `ggml_set_input`. */
export function inputTensor(type: GgmlType, ne: readonly number[]): GraphTensor {
  const tensor = new GraphTensor("NONE", type, fourOf(ne));
  tensor.flags = INPUT;
  return tensor;
}

/** A tensor that lies in memory before the graph is planned: a weight of a name, or a cache. */
export function storedTensor(
  type: GgmlType,
  ne: readonly number[],
  storage: Storage | undefined,
  name = "",
): GraphTensor {
  const four = fourOf(ne);
  const tensor = new GraphTensor("NONE", type, four, contiguous(type, four), [], undefined, storage);
  tensor.name = name;
  return tensor;
}

/** Dimensions that are not given are 1. */
export function fourOf([first = 1, second = 1, third = 1, fourth = 1]: readonly number[]): Four {
  return [first, second, third, fourth];
}

export function areEqual(a: Four, b: Four): boolean {
  return a[0] === b[0] && a[1] === b[1] && a[2] === b[2] && a[3] === b[3];
}

/** Strides of a tensor without gaps. */
export function contiguous(type: GgmlType, ne: Four): Four {
  const row = rowBytes(type, ne[0]);
  const plane = row * ne[1];
  return [type.blockBytes, row, plane, plane * ne[2]];
}

/** `ggml_row_size`. */
export function rowBytes({ blockElements, blockBytes }: GgmlType, elements: number): number {
  return Math.floor(elements / blockElements) * blockBytes;
}

function typeNamed(name: string): GgmlType {
  const type = GGML_TYPES_BY_NAME.get(name);
  if (type === undefined) throw new Error(`no ggml type ${name}`);
  return type;
}
