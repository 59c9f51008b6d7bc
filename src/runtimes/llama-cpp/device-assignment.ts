import type { Device } from "../device.ts";
import type { Backend, SchedulerOptions } from "./backend.ts";
import type { DrawnGraph } from "./graph/draw.ts";
import { LOOKS_ONLY } from "./graph/operation.ts";
import { type GraphTensor, INPUT, type Storage } from "./graph/tensor.ts";

const UNASSIGNED = -1;

/**
 * A device for each tensor of a graph (llama.cpp 0.5.0 `ggml/src/ggml-backend.cpp:1066-1330`, passes 1 to 4 of
 * ggml_backend_sched_split_graph): `backend` of the tensors is set.
 */
export class DeviceAssignment {
  readonly #graph: Pick<DrawnGraph, "nodes" | "leafs">;
  readonly #backends: readonly Backend[];
  readonly #options: SchedulerOptions;

  constructor(graph: Pick<DrawnGraph, "nodes" | "leafs">, backends: readonly Backend[], options: SchedulerOptions) {
    this.#graph = graph;
    this.#backends = backends;
    this.#options = options;
    this.#assign();
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

  #assign(): void {
    const { nodes, leafs } = this.#graph;
    for (const leaf of leafs) this.#assignOwn(leaf);
    for (const node of nodes) this.#assignOwn(node);
    // What no weight decides follows its neighbours: GPUs first, down and up, then any.
    const upwards = [...nodes].reverse();
    this.#expand(nodes, true);
    this.#expand(upwards, true);
    this.#expand(nodes, false);
    this.#expand(upwards, false);
    for (const node of nodes) if (!LOOKS_ONLY.has(node.operation)) this.#assignBySources(node);
    for (const node of nodes) this.#assignRest(node);
  }

  /** Pass 1: where it is pinned to. */
  #assignOwn(tensor: GraphTensor): void {
    const pinned = this.#options.keepsPinned && tensor.pinnedTo ? this.#indexOf(tensor.pinnedTo) : undefined;
    const isPinned = pinned !== undefined && this.#supports(pinned, tensor);
    const id = isPinned ? pinned : this.#fromMemory(tensor);
    if (id !== UNASSIGNED) tensor.backend = id;
  }

  /** Else where its memory lies, or that of the first weight it reads. */
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
          this.canRead(index, source),
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
  canRead(backend: number, tensor: GraphTensor): boolean {
    if (tensor.placed !== undefined) return this.#indexOf(tensor.placed.device) === backend;
    const own = tensor.backend;
    return (own === UNASSIGNED && tensor.viewOf !== undefined ? tensor.viewOf.backend : own) === backend;
  }
}
