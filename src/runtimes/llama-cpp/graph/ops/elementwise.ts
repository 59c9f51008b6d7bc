import type { GgmlType } from "../../../../formats/gguf/types.ts";
import type { Operation } from "../operation.ts";
import { contiguous, F32, type Four, fourOf, GraphTensor } from "../tensor.ts";

/*
 * Operations that keep the shape of their first source unless they say otherwise (llama.cpp 0.5.0 `ggml/src/ggml.c`). Each takes its sources in the
 * order of ggml's own function, without the numbers that change no size.
 */

/** A new tensor of the shape and type of the first source. */
export function like(operation: Operation, first: GraphTensor, ...others: readonly GraphTensor[]): GraphTensor {
  return new GraphTensor(operation, first.type, first.ne, contiguous(first.type, first.ne), [first, ...others]);
}

/** The same, written over the first source (`…_inplace`). */
export function over(operation: Operation, first: GraphTensor, ...others: readonly GraphTensor[]): GraphTensor {
  return new GraphTensor(operation, first.type, first.ne, first.nb, [first, ...others], first);
}

export function add(a: GraphTensor, b: GraphTensor): GraphTensor {
  return like("ADD", a, b);
}

/** Adds to each row the bias of the expert it was given to. */
export function addOfExperts(a: GraphTensor, biases: GraphTensor, experts: GraphTensor): GraphTensor {
  return like("ADD_ID", a, biases, experts);
}

export function sub(a: GraphTensor, b: GraphTensor): GraphTensor {
  return like("SUB", a, b);
}

export function mul(a: GraphTensor, b: GraphTensor): GraphTensor {
  return like("MUL", a, b);
}

export function div(a: GraphTensor, b: GraphTensor): GraphTensor {
  return like("DIV", a, b);
}

export function scale(a: GraphTensor): GraphTensor {
  return like("SCALE", a);
}

export function clamp(a: GraphTensor): GraphTensor {
  return like("CLAMP", a);
}

export function fill(a: GraphTensor): GraphTensor {
  return like("FILL", a);
}

/** A tensor of one value (`ggml_fill` of a new one). */
export function filled(ne: readonly number[], type: GgmlType = F32): GraphTensor {
  return fill(new GraphTensor("NONE", type, fourOf(ne)));
}

export function sqr(a: GraphTensor): GraphTensor {
  return like("SQR", a);
}

export function sqrt(a: GraphTensor): GraphTensor {
  return like("SQRT", a);
}

/** Any of ggml's unary functions: silu, gelu, relu, sigmoid, tanh, exp, softplus, … */
export function unary(a: GraphTensor): GraphTensor {
  return like("UNARY", a);
}

export function layerNorm(a: GraphTensor): GraphTensor {
  return like("NORM", a);
}

export function rmsNorm(a: GraphTensor): GraphTensor {
  return like("RMS_NORM", a);
}

export function l2Norm(a: GraphTensor): GraphTensor {
  return like("L2_NORM", a);
}

export function groupNorm(a: GraphTensor): GraphTensor {
  return like("GROUP_NORM", a);
}

export function softMax(a: GraphTensor): GraphTensor {
  return like("SOFT_MAX", a);
}

/** A gate times a second half: of two tensors, or of the two halves of each row of one (`ggml_glu_impl`). */
export function gated(gate: GraphTensor, up?: GraphTensor): GraphTensor {
  if (up !== undefined) return like("GLU", gate, up);
  const ne: Four = [gate.ne[0] / 2, gate.ne[1], gate.ne[2], gate.ne[3]];
  return new GraphTensor("GLU", gate.type, ne, contiguous(gate.type, ne), [gate]);
}

/** Rotary positions; factors are those of the frequencies, where there are any. */
export function rope(a: GraphTensor, positions: GraphTensor, factors?: GraphTensor): GraphTensor {
  return factors === undefined ? like("ROPE", a, positions) : like("ROPE", a, positions, factors);
}

/** Turns positions back. */
export function ropeBack(a: GraphTensor, positions: GraphTensor): GraphTensor {
  return like("ROPE_BACK", a, positions);
}

/** A copy in another type (`ggml_cast`): it counts itself among its sources. */
export function cast(a: GraphTensor, type: GgmlType): GraphTensor {
  const sources = [a];
  const copy = new GraphTensor("CPY", type, a.ne, contiguous(type, a.ne), sources);
  sources.push(copy);
  return copy;
}

/** Writes a tensor over another (`ggml_cpy`). */
export function copyTo(a: GraphTensor, target: GraphTensor): GraphTensor {
  return new GraphTensor("CPY", target.type, target.ne, target.nb, [a, target], target);
}

/** The sum of each row: `[1, rows, …]`. */
export function sumRows(a: GraphTensor): GraphTensor {
  const ne: Four = [1, a.ne[1], a.ne[2], a.ne[3]];
  return new GraphTensor("SUM_ROWS", a.type, ne, contiguous(a.type, ne), [a]);
}

/** The mean of each row: `[1, rows, …]`. */
export function mean(a: GraphTensor): GraphTensor {
  const ne: Four = [1, a.ne[1], a.ne[2], a.ne[3]];
  return new GraphTensor("MEAN", F32, ne, contiguous(F32, ne), [a]);
}
