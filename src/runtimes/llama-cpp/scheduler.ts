import type { Device } from "../device.ts";
import type { DrawnGraph } from "./graph/draw.ts";
import { LOOKS_ONLY } from "./graph/operation.ts";
import { GraphTensor, INPUT, OUTPUT, type Storage } from "./graph/tensor.ts";
import type { PlannedGraph } from "./planner.ts";

/** A device that computes: GPUs in their order, the CPU last (`ggml_backend_sched_new`). */
export type Backend = {
  readonly device: Device;
  supports(node: GraphTensor): boolean;
  /** Large batches are computed here though their weights lie in the memory of the host (`ggml_backend_offload_op`). */
  offloads(node: GraphTensor): boolean;
  /** What is kept longer than it is read, of the nodes of one split (`ggml_backend_graph_optimize`). */
  keeps(nodes: readonly GraphTensor[], start: number, end: number): readonly KeptUntil[];
  /** The nodes of one split in the order they are computed. */
  orders(nodes: readonly GraphTensor[]): readonly GraphTensor[];
};

/** Tensors whose memory is kept until a node has been computed, though nothing reads them any more. */
export type KeptUntil = { readonly until: GraphTensor; readonly kept: readonly GraphTensor[] };

export type SchedulerOptions = {
  /** Weights of the host may be brought to a GPU (`op_offload`). */
  readonly operatorOffload: boolean;
  /** Copies of each input: several where GPUs take turns at one batch (`GGML_SCHED_MAX_COPIES`). */
  readonly copies: number;
  /** Nodes that are to be computed on one device are (`ggml_backend_sched_set_tensor_backend`). */
  readonly keepsPinned: boolean;
};

type Graph = Pick<DrawnGraph, "nodes" | "leafs">;

/** Nodes of one device between two changes of device, and what is copied there first. */
type Split = { readonly backend: number; readonly start: number; end: number; readonly inputs: GraphTensor[] };

const UNASSIGNED = -1;

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
  const schedule = new Schedule(graph, backends, options);
  if (backends.length === 1) {
    const zeros = (list: readonly GraphTensor[]): number[] => list.map(() => 0);
    const { nodes, leafs } = graph;
    return { nodes, leafs, nodeBuffers: zeros(nodes), leafBuffers: zeros(leafs), splits: 1 };
  }
  schedule.assign();
  return schedule.cut();
}

/** The device of each node, without cutting the graph. */
export function assignDevices(
  graph: Graph,
  backends: readonly Backend[],
  options: SchedulerOptions,
): (node: GraphTensor) => Device | undefined {
  const schedule = new Schedule(graph, backends, options);
  schedule.assign();
  return (node) => schedule.deviceOf(node);
}

class Schedule {
  readonly #graph: Graph;
  readonly #backends: readonly Backend[];
  readonly #options: SchedulerOptions;
  /** Copies of a tensor by backend. */
  readonly #copies = new Map<GraphTensor, Map<number, readonly GraphTensor[]>>();
  readonly #graphInputs: GraphTensor[] = [];

  constructor(graph: Graph, backends: readonly Backend[], options: SchedulerOptions) {
    this.#graph = graph;
    this.#backends = backends;
    this.#options = options;
  }

  get #host(): number {
    return this.#backends.length - 1;
  }

  deviceOf(node: GraphTensor): Device | undefined {
    return this.#backends[node.backend]?.device;
  }

  #indexOf(device: Device): number {
    return this.#backends.findIndex((backend) => backend.device === device);
  }

  #supports(backend: number, node: GraphTensor): boolean {
    return this.#backends[backend]?.supports(node) === true;
  }

  /** Passes 1 to 4: a device for every tensor. */
  assign(): void {
    const { nodes, leafs } = this.#graph;
    for (const tensor of [...leafs, ...nodes]) {
      const pinned = this.#options.keepsPinned && tensor.pinnedTo ? this.#indexOf(tensor.pinnedTo) : undefined;
      const isPinned = pinned !== undefined && this.#supports(pinned, tensor);
      const id = isPinned ? pinned : this.#fromMemory(tensor);
      if (id !== UNASSIGNED) tensor.backend = id;
    }
    // What no weight decides follows its neighbours: GPUs first, down and up, then any.
    const upwards = [...nodes].reverse();
    this.#expand(nodes, true);
    this.#expand(upwards, true);
    this.#expand(nodes, false);
    this.#expand(upwards, false);
    for (const node of nodes) if (!LOOKS_ONLY.has(node.operation)) this.#assignBySources(node);
    for (const node of nodes) this.#assignRest(node);
  }

  /** Pass 1: where its memory lies, or that of the first weight it reads. */
  #fromMemory(tensor: GraphTensor): number {
    if (tensor.placed !== undefined) {
      const own = this.#backendOf(tensor.placed, tensor);
      if (own !== UNASSIGNED) return own;
    }
    if ((tensor.flags & INPUT) !== 0) return this.#host;
    // Frequencies and sinks are too small to decide.
    if (tensor.operation === "ROPE" || tensor.operation === "FLASH_ATTN_EXT") return UNASSIGNED;
    const weight = tensor.sources.find(({ storage }) => storage?.holdsWeights);
    if (weight?.storage === undefined) return UNASSIGNED;
    const own = this.#backendOf(weight.storage, tensor);
    if (own !== this.#host || !this.#options.operatorOffload || weight.storage.isReordered) return own;
    const helper = this.#backends.findIndex(
      (backend, index) => index < own && backend.supports(tensor) && backend.offloads(tensor),
    );
    return helper < 0 ? own : helper;
  }

  #backendOf({ device }: Storage, node: GraphTensor): number {
    const index = this.#indexOf(device);
    return this.#supports(index, node) ? index : UNASSIGNED;
  }

  /** Pass 2. */
  #expand(nodes: readonly GraphTensor[], onlyGpus: boolean): void {
    let current = UNASSIGNED;
    for (const node of nodes) {
      if (LOOKS_ONLY.has(node.operation)) continue;
      const id = node.backend;
      if (id !== UNASSIGNED) current = onlyGpus && id === this.#host ? UNASSIGNED : id;
      else if (current !== UNASSIGNED && this.#supports(current, node)) node.backend = current;
    }
  }

  /** Pass 3: the device that most of the sources can be read by. */
  #assignBySources(node: GraphTensor): void {
    if (node.backend !== UNASSIGNED) return;
    let most = -1;
    this.#backends.forEach((backend, index) => {
      if (!backend.supports(node)) return;
      const readable = node.sources.filter(
        (source) =>
          (source.backend !== UNASSIGNED || (source.viewOf && source.viewOf.backend !== UNASSIGNED)) &&
          this.#canRead(index, source),
      ).length;
      if (readable > most) {
        most = readable;
        node.backend = index;
      }
    });
  }

  /** Pass 4: views are where they look, sources without a device where they are read. */
  #assignRest(node: GraphTensor): void {
    if (node.viewOf !== undefined && node.backend === UNASSIGNED) node.backend = node.viewOf.backend;
    for (const source of node.sources) {
      if (source.backend !== UNASSIGNED) continue;
      source.backend = (source.viewOf ?? node).backend;
    }
    if (node.backend !== UNASSIGNED) return;
    node.backend = this.#backends.findIndex((backend) => backend.supports(node));
  }

  /** True where a device reads the memory that a tensor lies in or will lie in. */
  #canRead(backend: number, tensor: GraphTensor): boolean {
    if (tensor.placed !== undefined) return this.#indexOf(tensor.placed.device) === backend;
    const own = tensor.backend;
    return (own === UNASSIGNED && tensor.viewOf !== undefined ? tensor.viewOf.backend : own) === backend;
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
        (source) => source.storage?.holdsWeights && source.backend !== backend && !this.#canRead(backend, source),
      )
    );
  }

  #isCopied(source: GraphTensor, { backend }: Split): boolean {
    if (this.#options.copies > 1 && (source.flags & INPUT) !== 0) return true;
    return source.backend !== backend && !this.#canRead(backend, source);
  }

  /** The source, or its copy on the device of the split. */
  #readBy(source: GraphTensor, split: Split): GraphTensor {
    const { copies } = this.#options;
    const own = source.backend;
    const known = this.#copies.get(source) ?? new Map<number, readonly GraphTensor[]>();
    this.#copies.set(source, known);
    if (copies > 1 && (source.flags & INPUT) !== 0 && !known.has(own)) {
      // The input itself is one of its copies.
      source.flags |= OUTPUT;
      known.set(own, [source, ...Array.from({ length: copies - 1 }, () => this.#copyOf(source))]);
      this.#graphInputs.push(source);
    }
    if (own === split.backend || this.#canRead(split.backend, source)) return source;
    let there = known.get(split.backend);
    if (there === undefined) {
      there = Array.from({ length: copies }, () => this.#copyOf(source));
      known.set(split.backend, there);
      split.inputs.push(source);
    }
    return there[0] ?? source;
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
      for (const input of inputs) {
        nodes.push(keeper([input]));
        nodeBuffers.push(input.backend);
        const copy = this.#copies.get(input)?.get(backend)?.[0];
        if (copy === undefined) continue;
        nodes.push(copy);
        nodeBuffers.push(backend);
      }
      const own = this.#graph.nodes.slice(start, end);
      for (const node of this.#backends[backend]?.orders(own) ?? own) {
        nodes.push(node);
        nodeBuffers.push(node.backend);
        const kept = [...(keeping.get(node) ?? [])];
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
      for (const input of this.#graphInputs) {
        addLeafs(this.#copies.get(input)?.get(input.backend) ?? [], input.backend);
      }
      for (const { backend, inputs } of splits) {
        for (const input of inputs) addLeafs(this.#copies.get(input)?.get(backend) ?? [], backend);
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
