import { padTo } from "../pad.ts";
import { WRITES_OVER } from "./graph/operation.ts";
import { haveSameLayout } from "./graph/ops/shapes.ts";
import { type GraphTensor, INPUT, OUTPUT } from "./graph/tensor.ts";

/** A buffer that scratch memory is planned in: how tensors lie in it. */
export type PlannedBuffer = {
  readonly alignment: number;
  /** Largest piece of memory the device hands out; beyond it the buffer is several (Metal, Vulkan). Default: none. */
  readonly largestPiece?: number;
  /** Bytes of a tensor there, before they are aligned (`ggml_backend_buft_get_alloc_size`). */
  readonly bytesOf: (tensor: GraphTensor) => number;
};

/** Nodes in the order they run and the leafs before them, with the buffer of each. */
export type PlannedGraph = {
  readonly nodes: readonly GraphTensor[];
  readonly leafs: readonly GraphTensor[];
  readonly nodeBuffers: readonly number[];
  readonly leafBuffers: readonly number[];
};

/** Bytes of each buffer that a graph needs (llama.cpp 0.5.0 `ggml/src/ggml-alloc.c:686-800`, `ggml_gallocr_alloc_graph_impl`). */
export function planGraph(graph: PlannedGraph, buffers: readonly PlannedBuffer[]): number[] {
  return new Plan(buffers).run(graph);
}

class Plan {
  readonly #spaces: readonly Space[];

  constructor(buffers: readonly PlannedBuffer[]) {
    this.#spaces = buffers.map((buffer) => new Space(buffer));
  }

  run({ nodes, leafs, nodeBuffers, leafBuffers }: PlannedGraph): number[] {
    leafs.forEach((leaf, index) => void this.#place(leaf, leafBuffers[index] ?? 0));
    nodes.forEach((node, index) => void this.#count(node, nodeBuffers[index] ?? 0));
    nodes.forEach((node, index) => {
      const buffer = nodeBuffers[index] ?? 0;
      for (const source of node.sources) this.#place(source, buffer);
      this.#place(node, buffer);
      for (const source of node.sources) this.#wasRead(source);
    });
    return this.#spaces.map((space) => space.bytes);
  }

  /** Readers and views are counted first; inputs take their place before any node. */
  #count(node: GraphTensor, buffer: number): void {
    // Nodes without an operation only keep what they look at alive (`ggml/src/ggml-alloc.c:700`).
    if (node.viewOf !== undefined && node.operation !== "NONE") node.viewOf.views += 1;
    if ((node.flags & INPUT) !== 0) this.#place(node, buffer);
    for (const source of node.sources) {
      source.readers += 1;
      if ((source.flags & INPUT) !== 0) this.#place(source, buffer);
    }
  }

  #place(tensor: GraphTensor, buffer: number): void {
    if (tensor.storage !== undefined || tensor.viewOf !== undefined || tensor.ownsMemory) return;
    tensor.ownsMemory = true;
    if (WRITES_OVER.has(tensor.operation) && this.#takeOver(tensor)) return;
    const space = this.#space(buffer);
    const bytes = space.bytesOf(tensor);
    const { piece, offset } = space.take(bytes);
    tensor.buffer = buffer;
    tensor.piece = piece;
    tensor.offset = offset;
    tensor.plannedBytes = bytes;
  }

  /** Writes over a source of the same layout that nothing else reads; what that had more is free again. */
  #takeOver(tensor: GraphTensor): boolean {
    for (const source of tensor.sources) {
      if (!source.ownsMemory || (source.flags & OUTPUT) !== 0 || source.readers !== 1 || source.views !== 0) continue;
      if (!haveSameLayout(source, tensor)) continue;
      const { buffer, piece, offset } = source;
      const space = this.#space(buffer);
      const bytes = space.bytesOf(tensor);
      tensor.buffer = buffer;
      tensor.piece = piece;
      tensor.offset = offset;
      tensor.plannedBytes = bytes;
      source.ownsMemory = false;
      const left = source.plannedBytes - bytes;
      if (left > 0) space.give(piece, offset + bytes, left);
      return true;
    }
    return false;
  }

  #wasRead(source: GraphTensor): void {
    source.readers -= 1;
    if (source.readers !== 0 || source.views !== 0) return;
    const base = source.viewOf;
    if (base === undefined) {
      this.#free(source);
      return;
    }
    base.views -= 1;
    if (base.views === 0 && base.readers === 0) this.#free(base);
  }

  #free(tensor: GraphTensor): void {
    if (!tensor.ownsMemory || (tensor.flags & OUTPUT) !== 0) return;
    this.#space(tensor.buffer).give(tensor.piece, tensor.offset, tensor.plannedBytes);
    tensor.ownsMemory = false;
  }

  #space(buffer: number): Space {
    const space = this.#spaces[buffer];
    if (space === undefined) throw new Error(`no buffer ${buffer}`);
    return space;
  }
}

type Block = { offset: number; bytes: number };

/** One piece of a buffer: its free blocks by offset, the last of which has no end, and how far it was used. */
type Piece = { readonly free: Block[]; used: number };

/** The free memory of one buffer (`ggml_dyn_tallocr`, `ggml/src/ggml-alloc.c:199-390`). */
class Space {
  readonly #buffer: PlannedBuffer;
  readonly #pieces: Piece[] = [];

  constructor(buffer: PlannedBuffer) {
    this.#buffer = buffer;
  }

  /** Bytes of a tensor here, aligned. */
  bytesOf(tensor: GraphTensor): number {
    return padTo(this.#buffer.bytesOf(tensor), this.#buffer.alignment);
  }

  get bytes(): number {
    return this.#pieces.reduce((sum, { used }) => sum + used, 0);
  }

  /** The free block that fits best, of equals the last; else the end of the piece that grows least. */
  take(bytes: number): { piece: number; offset: number } {
    let [piece, block] = this.#bestFit(bytes);
    if (block < 0) [piece, block] = this.#leastGrowth(bytes);
    if (block < 0) {
      piece = this.#newPiece(bytes);
      block = 0;
    }
    const chosen = this.#pieces[piece];
    const free = chosen?.free[block];
    if (chosen === undefined || free === undefined) throw new Error("no free block");
    const { offset } = free;
    free.offset += bytes;
    free.bytes -= bytes;
    if (free.bytes === 0) chosen.free.splice(block, 1);
    chosen.used = Math.max(chosen.used, offset + bytes);
    return { piece, offset };
  }

  /** Blocks that end with a piece are looked at only where nothing else fits. */
  #bestFit(bytes: number): [piece: number, block: number] {
    let found = -1;
    let within = -1;
    this.#pieces.forEach(({ free }, piece) => {
      let best = Number.POSITIVE_INFINITY;
      for (let block = 0; block < free.length - 1; block++) {
        const size = free[block]?.bytes ?? 0;
        if (size >= bytes && size <= best) {
          found = block;
          within = piece;
          best = size;
        }
      }
    });
    return [within, found];
  }

  #leastGrowth(bytes: number): [piece: number, block: number] {
    let found: [number, number] = [-1, -1];
    let best = Number.NEGATIVE_INFINITY;
    this.#pieces.forEach(({ free, used }, piece) => {
      const last = free.at(-1);
      if (last === undefined || last.bytes < bytes) return;
      const left = used - last.offset - bytes;
      if (best < 0 ? left > best : left >= 0 && left < best) {
        found = [piece, free.length - 1];
        best = left;
      }
    });
    return found;
  }

  /** A piece is as large as the device allows, or as what is asked for; the last there can be has no end. */
  #newPiece(bytes: number): number {
    const { largestPiece = Number.POSITIVE_INFINITY } = this.#buffer;
    const isLast = this.#pieces.length === MAX_PIECES - 1;
    const size = isLast ? Number.POSITIVE_INFINITY : Math.max(bytes, largestPiece);
    this.#pieces.push({ free: [{ offset: 0, bytes: size }], used: 0 });
    return this.#pieces.length - 1;
  }

  /** Gives memory back, joined with what is free beside it: blocks are in order, so one that ends there is met first. */
  give(index: number, offset: number, bytes: number): void {
    const free = this.#pieces[index]?.free;
    if (free === undefined) return;
    for (let block = 0; block < free.length; block++) {
      const each = free[block];
      if (each === undefined) continue;
      if (each.offset + each.bytes === offset) {
        each.bytes += bytes;
        const next = free[block + 1];
        if (next !== undefined && each.offset + each.bytes === next.offset) {
          each.bytes += next.bytes;
          free.splice(block + 1, 1);
        }
        return;
      }
      if (offset + bytes === each.offset) {
        each.offset = offset;
        each.bytes += bytes;
        return;
      }
    }
    const after = free.findIndex((each) => each.offset > offset);
    free.splice(after < 0 ? free.length : after, 0, { offset, bytes });
  }
}

/** `GGML_VBUFFER_MAX_CHUNKS`. */
const MAX_PIECES = 16;
