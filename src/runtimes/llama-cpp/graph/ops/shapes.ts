import { CannotDraw } from "../cannot-draw.ts";
import { areEqual, contiguous, type Four, fourOf, GraphTensor } from "../tensor.ts";
import { like } from "./elementwise.ts";

/* Operations that look at memory in another shape, or copy it into one (llama.cpp 0.5.0 `ggml/src/ggml.c`). */

/**
 * A part of a tensor: elements in each dimension, and the bytes from one row, plane and block to the next. Strides that are
 * not given follow from the elements, as in `ggml_view_1d` … `ggml_view_4d`.
 */
export function view(a: GraphTensor, ne: readonly number[], strides: readonly number[] = []): GraphTensor {
  const four = fourOf(ne);
  const own = contiguous(a.type, four);
  const row = strides[0] ?? own[1];
  const plane = strides[1] ?? row * four[1];
  const nb: Four = [own[0], row, plane, strides[2] ?? plane * four[2]];
  return new GraphTensor("VIEW", a.type, four, nb, [a], a);
}

/** The same elements in other dimensions; a tensor with gaps has to be made contiguous before. */
export function reshape(a: GraphTensor, ...ne: readonly number[]): GraphTensor {
  const four = fourOf(ne);
  if (four[0] * four[1] * four[2] * four[3] !== a.elements)
    throw new CannotDraw(`${a.ne.join("x")} as ${four.join("x")}`);
  return new GraphTensor("RESHAPE", a.type, four, contiguous(a.type, four), [a], a);
}

/** Dimension `i` becomes dimension `axes[i]`. */
export function permute(a: GraphTensor, ...axes: Four): GraphTensor {
  const ne: [number, number, number, number] = [0, 0, 0, 0];
  const nb: [number, number, number, number] = [0, 0, 0, 0];
  axes.forEach((axis, index) => {
    ne[axis] = a.ne[index] ?? 1;
    nb[axis] = a.nb[index] ?? 0;
  });
  return new GraphTensor("PERMUTE", a.type, ne, nb, [a], a);
}

export function transpose(a: GraphTensor): GraphTensor {
  const { ne, nb } = a;
  return new GraphTensor("TRANSPOSE", a.type, [ne[1], ne[0], ne[2], ne[3]], [nb[1], nb[0], nb[2], nb[3]], [a], a);
}

/** A copy without gaps, in other dimensions where they are given (`ggml_cont`, `ggml_cont_2d` …). */
export function cont(a: GraphTensor, ...ne: readonly number[]): GraphTensor {
  if (ne.length === 0) return like("CONT", a);
  const four = fourOf(ne);
  return new GraphTensor("CONT", a.type, four, contiguous(a.type, four), [a]);
}

/** Copies side by side until the dimensions are reached. */
export function repeat(a: GraphTensor, ...ne: readonly number[]): GraphTensor {
  const four = fourOf(ne);
  return new GraphTensor("REPEAT", a.type, four, contiguous(a.type, four), [a]);
}

export function concat(a: GraphTensor, b: GraphTensor, dimension: 0 | 1 | 2 | 3): GraphTensor {
  const ne: [number, number, number, number] = [...a.ne];
  ne[dimension] += b.ne[dimension];
  return new GraphTensor("CONCAT", a.type, ne, contiguous(a.type, ne), [a, b]);
}

/** A copy of `a` with a part of it replaced by `b`. */
export function set(a: GraphTensor, b: GraphTensor): GraphTensor {
  return like("SET", a, b);
}

/** Zeros after the last element of each dimension. */
export function pad(a: GraphTensor, ...more: readonly number[]): GraphTensor {
  const [first = 0, second = 0, third = 0, fourth = 0] = more;
  const ne: Four = [a.ne[0] + first, a.ne[1] + second, a.ne[2] + third, a.ne[3] + fourth];
  return new GraphTensor("PAD", a.type, ne, contiguous(a.type, ne), [a]);
}

/** True where no element is skipped between the first and the last (`ggml_is_contiguous`). */
export function isContiguous(a: GraphTensor): boolean {
  return contiguousFrom(a, 0);
}

/** The same of all dimensions after `dimension`, whose own stride may skip (`ggml_is_contiguous_1`, `_2`). */
export function contiguousFrom({ type, ne, nb }: GraphTensor, dimension: number): boolean {
  if (ne[0] !== type.blockElements && nb[0] !== type.blockBytes) return false;
  let next = (type.blockBytes * ne[0]) / type.blockElements;
  for (const each of [1, 2, 3] as const) {
    if (each <= dimension) next = ne[each] * nb[each];
    else {
      if (ne[each] !== 1 && nb[each] !== next) return false;
      next *= ne[each];
    }
  }
  return true;
}

/** True where the elements of a row lie side by side (`ggml_is_contiguous_rows`). */
export function hasWholeRows({ type, ne, nb }: GraphTensor): boolean {
  return ne[0] === type.blockElements || nb[0] === type.blockBytes;
}

/** True where columns lie closer than the elements of a row (`ggml_is_transposed`). */
export function isTransposed({ nb }: GraphTensor): boolean {
  return nb[0] > nb[1];
}

/** True of a view into another tensor or into what that one looks into (`V_is_K_view`; here such views begin where keys do). */
export function looksInto({ viewOf }: GraphTensor, other: GraphTensor): boolean {
  return viewOf !== undefined && (viewOf === other || viewOf === other.viewOf);
}

/** True where there are as many elements in each dimension (`ggml_are_same_shape`). */
export function haveSameShape(a: GraphTensor, b: GraphTensor): boolean {
  return areEqual(a.ne, b.ne);
}

/** The same, of one type and with the same strides (`ggml_are_same_layout`). */
export function haveSameLayout(a: GraphTensor, b: GraphTensor): boolean {
  return a.type === b.type && areEqual(a.ne, b.ne) && areEqual(a.nb, b.nb);
}
