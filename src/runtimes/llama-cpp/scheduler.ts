import type { Backend, SchedulerOptions } from "./backend.ts";
import { DeviceAssignment } from "./device-assignment.ts";
import type { DrawnGraph } from "./graph/draw.ts";
import { LOOKS_ONLY } from "./graph/operation.ts";
import { GraphTensor, INPUT, OUTPUT } from "./graph/tensor.ts";
import type { PlannedGraph } from "./planner.ts";

type Graph = Pick<DrawnGraph, "nodes" | "leafs">;

/** Nodes of one device between two changes of device, and what is copied there first. */
type Split = { readonly backend: number; readonly start: number; end: number; readonly inputs: Copied[] };

/** A tensor on another device, one for each of the batches that GPUs take turns at. */
type Copies = readonly [GraphTensor, ...GraphTensor[]];

type Copied = { readonly source: GraphTensor; readonly copies: Copies };

/**
 * Gives each node of a graph a device, and cuts the graph where the device changes (llama.cpp 0.5.0
 * `ggml/src/ggml-backend.cpp:1066-1589`, `ggml_backend_sched_split_graph`). What nodes of one device read of another is
 * copied. The graph is changed: sources become their copies.
 */
export function scheduleGraph(
  graph: Graph,
  backends: readonly Backend[],
  options: SchedulerOptions,
): PlannedGraph & { readonly splits: number } {
  if (backends.length === 1) {
    const zeros = (list: readonly GraphTensor[]): number[] => list.map(() => 0);
    const { nodes, leafs } = graph;
    return { nodes, leafs, nodeBuffers: zeros(nodes), leafBuffers: zeros(leafs), splits: 1 };
  }
  return new Schedule(graph, backends, options).cut();
}

class Schedule {
  readonly #graph: Graph;
  readonly #backends: readonly Backend[];
  readonly #options: SchedulerOptions;
  readonly #devices: DeviceAssignment;
  /** Copies of a tensor by backend. */
  readonly #copies = new Map<GraphTensor, Map<number, Copies>>();
  readonly #graphInputs: Copied[] = [];

  constructor(graph: Graph, backends: readonly Backend[], options: SchedulerOptions) {
    this.#graph = graph;
    this.#backends = backends;
    this.#options = options;
    this.#devices = new DeviceAssignment(graph, backends, options);
  }

  /** Pass 5: cuts, and the graph with what is copied between devices. */
  cut(): PlannedGraph & { readonly splits: number } {
    const { nodes } = this.#graph;
    const first = nodes.findIndex(({ operation }) => !LOOKS_ONLY.has(operation));
    const splits: Split[] = [];
    let split: Split | undefined;
    for (let index = Math.max(first, 0); index < nodes.length; index++) {
      const node = nodes[index];
      if (node === undefined || LOOKS_ONLY.has(node.operation)) continue;
      const backend = node.backend;
      if (split === undefined || backend !== split.backend || this.#bringsWeights(node, split)) {
        if (split !== undefined) split.end = index;
        split = { backend, start: split === undefined ? 0 : index, end: nodes.length, inputs: [] };
        splits.push(split);
      }
      const current = split;
      if (node.sources.some((source) => this.#isCopied(source, current))) {
        node.sources = node.sources.map((source) => this.#readBy(source, current));
      }
    }
    return this.#assembled(splits);
  }

  /** Weights that are brought begin a split each: their copies take the same memory one after the other. */
  #bringsWeights(node: GraphTensor, { backend, inputs }: Split): boolean {
    return (
      inputs.length > 0 &&
      node.sources.some(
        (source) =>
          source.storage?.holdsWeights && source.backend !== backend && !this.#devices.canRead(backend, source),
      )
    );
  }

  #isCopied(source: GraphTensor, { backend }: Split): boolean {
    if (this.#options.copies > 1 && (source.flags & INPUT) !== 0) return true;
    return source.backend !== backend && !this.#devices.canRead(backend, source);
  }

  /** The source, or its copy on the device of the split. */
  #readBy(source: GraphTensor, split: Split): GraphTensor {
    const own = source.backend;
    const known = this.#copies.get(source) ?? new Map<number, Copies>();
    this.#copies.set(source, known);
    if (this.#options.copies > 1 && (source.flags & INPUT) !== 0 && !known.has(own)) {
      // The input itself is one of its copies.
      source.flags |= OUTPUT;
      const copies = this.#withOthers(source);
      known.set(own, copies);
      this.#graphInputs.push({ source, copies });
    }
    if (own === split.backend || this.#devices.canRead(split.backend, source)) return source;
    let there = known.get(split.backend);
    if (there === undefined) {
      there = this.#withOthers(this.#copyOf(source));
      known.set(split.backend, there);
      split.inputs.push({ source, copies: there });
    }
    return there[0];
  }

  #withOthers(first: GraphTensor): Copies {
    return [first, ...Array.from({ length: this.#options.copies - 1 }, () => this.#copyOf(first))];
  }

  /** Of the same layout; where there are several, each keeps its memory. */
  #copyOf({ type, ne, nb }: GraphTensor): GraphTensor {
    const copy = new GraphTensor("NONE", type, ne, nb);
    if (this.#options.copies > 1) copy.flags = INPUT | OUTPUT;
    return copy;
  }

  /** What devices keep, by the node until which. */
  #keeping(splits: readonly Split[]): ReadonlyMap<GraphTensor, ReadonlySet<GraphTensor>> {
    const keeping = new Map<GraphTensor, Set<GraphTensor>>();
    for (const { backend, start, end } of splits) {
      for (const { until, kept } of this.#backends[backend]?.keeps(this.#graph.nodes, start, end) ?? []) {
        const all = keeping.get(until) ?? new Set();
        keeping.set(until, all);
        for (const tensor of kept) all.add(tensor);
      }
    }
    return keeping;
  }

  /** Nodes with copies before each split, and nodes that keep what is copied alive until then. */
  #assembled(splits: readonly Split[]): PlannedGraph & { readonly splits: number } {
    const nodes: GraphTensor[] = [];
    const nodeBuffers: number[] = [];
    const leafs: GraphTensor[] = [];
    const leafBuffers: number[] = [];
    const keeping = this.#keeping(splits);
    for (const { backend, start, end, inputs } of splits) {
      for (const { source, copies } of inputs) {
        nodes.push(keeper([source]), copies[0]);
        nodeBuffers.push(source.backend, backend);
      }
      const own = this.#graph.nodes.slice(start, end);
      for (const node of this.#backends[backend]?.orders(own) ?? own) {
        nodes.push(node);
        nodeBuffers.push(node.backend);
        const until = keeping.get(node);
        if (until === undefined) continue;
        const kept = [...until];
        for (let first = 0; first < kept.length; first += MOST_SOURCES) {
          nodes.push(keeper(kept.slice(first, first + MOST_SOURCES)));
          nodeBuffers.push(backend);
        }
      }
    }
    const addLeafs = (tensors: readonly GraphTensor[], backend: number): void => {
      for (const tensor of tensors) {
        leafs.push(tensor);
        leafBuffers.push(backend);
      }
    };
    if (this.#options.copies > 1) {
      for (const { source, copies } of this.#graphInputs) addLeafs(copies, source.backend);
      for (const { backend, inputs } of splits) {
        for (const { copies } of inputs) addLeafs(copies, backend);
      }
    }
    for (const leaf of this.#graph.leafs) addLeafs([leaf], leaf.backend);
    return { nodes, leafs, nodeBuffers, leafBuffers, splits: splits.length };
  }
}

/** Sources of one node, at most (`GGML_MAX_SRC`). */
const MOST_SOURCES = 10;

/** A node that computes nothing and keeps what it reads alive. */
function keeper(kept: readonly GraphTensor[]): GraphTensor {
  const [first] = kept;
  if (first === undefined) throw new Error("nothing to keep");
  return new GraphTensor("NONE", first.type, first.ne, first.nb, kept, first);
}
