import { newValue, record, type Tape, type Value } from "./tape.ts";

const F32_BYTES = 4;

/** `x.to(type)`: nothing where the type is the same. */
export function cast(tape: Tape, x: Value, width: number): Value {
  return x.width === width ? x : record(tape, [x], { elements: x.elements, width });
}

/** `x * number`. */
export function scale(tape: Tape, x: Value): Value {
  return record(tape, [x], { elements: x.elements, width: x.width });
}

/** `a + b`: both gradients are the one that comes back, where the types are the same. */
export function add(tape: Tape, a: Value, b: Value): Value {
  return record(tape, [a, b], widest(a, b), { sharesGradient: true });
}

/** `a * b`: keeps each factor for the gradient of the other. The gradient of the smaller is made whole, then summed. */
export function multiply(tape: Tape, a: Value, b: Value): Value {
  const saved = [...(a.grad ? [b] : []), ...(b.grad ? [a] : [])];
  const output = widest(a, b);
  const whole = output.elements * output.width;
  const summed = [a, b].some((factor) => factor.grad && factor.elements < output.elements);
  return record(tape, [a, b], output, { saved, scratch: summed ? whole : 0 });
}

function widest(a: Value, b: Value): { readonly elements: number; readonly width: number } {
  return { elements: Math.max(a.elements, b.elements), width: Math.max(a.width, b.width) };
}

/** A function of each element whose gradient follows from its input: `silu`, `gelu`, `pow`. */
export function fromInput(tape: Tape, x: Value, scratch = 0): Value {
  return record(tape, [x], { elements: x.elements, width: x.width }, { saved: [x], scratch });
}

/** One whose gradient follows from its output: `relu`, `tanh`, `softmax`. */
export function fromOutput(tape: Tape, x: Value): Value {
  const output = newValue(x.elements, x.width, x.grad);
  return record(tape, [x], output, { saved: [output] });
}

/** A matrix, which `torch.autocast` runs in 16 bits: copies of weights that are trained are made once. */
function castForMatrix(tape: Tape, x: Value, mixed: boolean): Value {
  if (!mixed || x.width !== F32_BYTES) return x;
  if (!x.storage.parameter || !x.grad) return cast(tape, x, 2);
  const made = tape.castWeights.get(x) ?? cast(tape, x, 2);
  tape.castWeights.set(x, made);
  return made;
}

/** `x W`: keeps the input for the weight's gradient, and the weight for the input's. */
export function linear(tape: Tape, x: Value, weight: Value, outputElements: number, mixed: boolean): Value {
  const [input, matrix] = [castForMatrix(tape, x, mixed), castForMatrix(tape, weight, mixed)];
  const saved = [...(matrix.grad ? [input] : []), ...(input.grad ? [matrix] : [])];
  return record(tape, [input, matrix], { elements: outputElements, width: input.width }, { saved });
}

/** Zeroes some elements: a GPU keeps a byte for each, a CPU a number (`aten/src/ATen/native/Dropout.cpp`). */
export function dropout(tape: Tape, x: Value, onCpu: boolean): Value {
  const mask = newValue(x.elements, onCpu ? x.width : 1, false);
  return record(tape, [x], { elements: x.elements, width: x.width }, { saved: [mask] });
}

/** `nn.LayerNorm`: keeps its input, and a mean and a deviation of each row. */
export function layerNorm(tape: Tape, x: Value, weight: Value, mixed: boolean): Value {
  const input = mixed ? cast(tape, x, F32_BYTES) : x;
  const statistics = newValue((2 * x.elements) / weight.elements, F32_BYTES, false);
  return record(tape, [input, weight], { elements: x.elements, width: input.width }, { saved: [input, statistics] });
}

/** What a family's RMS norm does after the division: multiplies in the model's type, or in float32 and casts then. */
export type RmsKind = "cast first" | "multiply first" | "one plus weight";

/** RMS norm as transformers writes it, in float32 (`modeling_llama.py`, LlamaRMSNorm, and of other families). */
export function rmsNorm(tape: Tape, x: Value, weight: Value, kind: RmsKind): Value {
  const wide = cast(tape, x, F32_BYTES);
  const whole = wide.elements * wide.width;
  const rows = { elements: x.elements / weight.elements, width: F32_BYTES };
  const squared = fromInput(tape, wide, 2 * whole);
  const deviation = fromOutput(tape, record(tape, [squared], rows));
  const normed = multiply(tape, wide, deviation);
  if (kind === "cast first") return multiply(tape, weight, cast(tape, normed, x.width));
  const factor = kind === "one plus weight" ? scale(tape, cast(tape, weight, F32_BYTES)) : weight;
  return cast(tape, multiply(tape, normed, factor), x.width);
}
