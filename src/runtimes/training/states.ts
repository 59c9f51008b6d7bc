import type { TrainingSettings } from "./settings.ts";

/** A tensor that is trained: its shape, and the bytes of one of its elements. */
export type Trained = {
  readonly shape: readonly number[];
  readonly elementBytes: number;
  /** A table that is read row by row. */
  readonly embedding: boolean;
};

export function elementsOf({ shape }: Trained): number {
  return shape.reduce((product, size) => product * size, 1);
}

export function bytesOf(tensors: readonly Trained[]): number {
  return tensors.reduce((sum, tensor) => sum + elementsOf(tensor) * tensor.elementBytes, 0);
}

const F32_BYTES = 4;

/** States of one tensor, in bytes. */
const STATES: { readonly [optimizer in TrainingSettings["optimizer"]]: (tensor: Trained) => number } = {
  // Two averages of the tensor's type and a float32 count of steps (`torch/optim/adam.py`, _init_group).
  adamw: (tensor) => 2 * elementsOf(tensor) * tensor.elementBytes + F32_BYTES,
  "adamw-8bit": (tensor) => 2 * adamw8bit(tensor),
  sgd: () => 0,
  // As the gradient (`torch/optim/sgd.py`).
  "sgd-momentum": (tensor) => elementsOf(tensor) * tensor.elementBytes,
  adafactor: (tensor) => F32_BYTES * (adafactorElements(tensor.shape) + 1),
};

/** Tensors smaller than this keep 32-bit states (`min_8bit_size`), others a float32 scale for each block. */
const MIN_8BIT_ELEMENTS = 4096;
const BLOCK_ELEMENTS = 256;

/** One of the two averages (`bitsandbytes/optim/optimizer.py`, init_state; of embeddings `trainer.py`, create_optimizer). */
function adamw8bit(tensor: Trained): number {
  const elements = elementsOf(tensor);
  if (tensor.embedding || elements < MIN_8BIT_ELEMENTS) return elements * F32_BYTES;
  return elements + Math.ceil(elements / BLOCK_ELEMENTS) * F32_BYTES;
}

/** Averages over rows and over columns, of vectors the whole; and the root mean square (`transformers/optimization.py`, Adafactor). */
function adafactorElements(shape: readonly number[]): number {
  const [columns = 1, rows = 1, ...stack] = [...shape].reverse();
  if (shape.length < 2) return columns;
  return (columns + rows) * stack.reduce((product, size) => product * size, 1);
}

/** The two tables of 256 values that 8-bit states are looked up in, where any tensor has such states. */
const CODE_BYTES = 2 * 256 * F32_BYTES;

/** Bytes of all states of an optimizer after its first step. */
export function stateBytes(tensors: readonly Trained[], optimizer: TrainingSettings["optimizer"]): number {
  const packed =
    optimizer === "adamw-8bit" &&
    tensors.some((tensor) => !tensor.embedding && elementsOf(tensor) >= MIN_8BIT_ELEMENTS);
  return tensors.reduce((sum, tensor) => sum + STATES[optimizer](tensor), packed ? CODE_BYTES : 0);
}
