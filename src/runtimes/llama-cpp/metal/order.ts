import { LOOKS_ONLY, type Operation } from "../graph/operation.ts";
import type { GraphTensor } from "../graph/tensor.ts";
import { fusedCount } from "./fusions.ts";

/** Nodes that stay together, and the memory that they read of others and that they write. */
type Group = {
  readonly nodes: readonly GraphTensor[];
  readonly operation: Operation;
  readonly reads: readonly Memory[];
  readonly writes: readonly Memory[];
};

/** Memory by its number, and what it touches: the engine takes the memory right behind it for a part of it. */
type Memory = { readonly number: number; readonly touches: readonly number[] };

/** Over these a node may be moved (`h_safe`). */
const PASSED: ReadonlySet<Operation> = new Set([
  ...(["MUL_MAT", "MUL_MAT_ID", "ROPE", "NORM", "RMS_NORM", "GROUP_NORM", "L2_NORM", "SUM_ROWS"] as const),
  ...(["SSM_CONV", "SSM_SCAN", "CLAMP", "MUL", "ADD", "SUB", "DIV", "GLU", "SCALE", "UNARY"] as const),
  ...(["GET_ROWS", "SET_ROWS", "SET", "CPY", "CONT", "REPEAT", "NONE"] as const),
  ...LOOKS_ONLY,
]);

/** How far ahead a node is looked for that can run beside others. */
const FORWARD = 64;

/**
 * The order in which Metal computes the nodes of a split: those that do not wait for each other come together, so that they
 * run at once (llama.cpp 0.5.0 `ggml/src/ggml-metal/ggml-metal-common.cpp:257`, ggml_metal_graph_optimize_reorder).
 * `cachesAreMadeUp`: as the engine measures without allocating, where all layers of a cache lie in the same place.
 */
export function orderedByMetal(nodes: readonly GraphTensor[], cachesAreMadeUp: boolean): GraphTensor[] {
  const memories = new Memories(cachesAreMadeUp);
  const groups = groupsOf(nodes, memories);
  const ordered: GraphTensor[] = [];
  const isTaken = groups.map(() => false);
  const beside = new MemoryInUse(memories.count);
  const passed = new MemoryInUse(memories.count);
  groups.forEach((group, index) => {
    if (isTaken[index]) return;
    if (!looksOnly(group) && !beside.allows(group)) {
      passed.clear();
      passed.add(group);
      for (let ahead = index + 1; ahead < Math.min(index + FORWARD, groups.length); ahead++) {
        const other = groups[ahead];
        if (other === undefined || isTaken[ahead]) continue;
        if (!PASSED.has(other.operation)) break;
        if ((looksOnly(other) || beside.allows(other)) && passed.allows(other)) {
          beside.add(other);
          ordered.push(...other.nodes);
          isTaken[ahead] = true;
        } else passed.add(other);
      }
      beside.clear();
    }
    beside.add(group);
    ordered.push(...group.nodes);
  });
  return ordered;
}

function looksOnly({ operation }: Group): boolean {
  return LOOKS_ONLY.has(operation) || operation === "NONE";
}

function groupsOf(nodes: readonly GraphTensor[], memories: Memories): Group[] {
  const written = new Set<number>();
  for (const node of nodes) {
    const { number, touches } = memories.of(node);
    written.add(number);
    for (const touched of touches) written.add(touched);
  }
  const groups: Group[] = [];
  for (let start = 0; start < nodes.length; ) {
    const own = nodes.slice(start, start + fusedCount(nodes, start));
    start += own.length;
    const reads: Memory[] = [];
    for (const { sources } of own) {
      for (const source of sources) {
        if (own.includes(source)) continue;
        const memory = memories.of(source);
        // Nothing waits for what no node writes.
        if (written.has(memory.number) || memory.touches.some((each) => written.has(each))) reads.push(memory);
      }
    }
    groups.push({
      nodes: own,
      operation: own[0]?.operation ?? "NONE",
      reads,
      writes: own.map((node) => memories.of(node)),
    });
  }
  return groups;
}

/** Numbers what stands for memory: a tensor that is no view, or a buffer. */
class Memories {
  readonly #cachesAreMadeUp: boolean;
  readonly #numbers = new Map<object, number>();
  readonly #known = new Map<GraphTensor, Memory>();

  constructor(cachesAreMadeUp: boolean) {
    this.#cachesAreMadeUp = cachesAreMadeUp;
  }

  get count(): number {
    return this.#numbers.size;
  }

  of(tensor: GraphTensor): Memory {
    const whole = tensor.viewOf ?? tensor;
    let memory = this.#known.get(whole);
    if (memory === undefined) {
      memory = this.#ofWhole(whole);
      this.#known.set(whole, memory);
    }
    return memory;
  }

  /** What has no memory yet stands for its own. */
  #ofWhole(whole: GraphTensor): Memory {
    const { lies } = whole;
    const isMadeUp = this.#cachesAreMadeUp && lies?.buffer.isMadeUp === true;
    const number = this.#numberOf(isMadeUp ? lies.buffer : whole);
    const touches = lies === undefined || isMadeUp ? [number] : lies.touches.map((each) => this.#numberOf(each));
    return { number, touches };
  }

  #numberOf(memory: object): number {
    const known = this.#numbers.get(memory) ?? this.#numbers.size;
    this.#numbers.set(memory, known);
    return known;
  }
}

const READ = 1;
const WRITTEN = 2;

/** Memory that nodes which run at once read and write (`ggml_mem_ranges`). */
class MemoryInUse {
  readonly #uses: Uint8Array;
  readonly #used: number[] = [];

  constructor(count: number) {
    this.#uses = new Uint8Array(count);
  }

  clear(): void {
    for (const number of this.#used) this.#uses[number] = 0;
    this.#used.length = 0;
  }

  add({ reads, writes }: Group): void {
    for (const memory of reads) this.#mark(memory, READ);
    for (const memory of writes) this.#mark(memory, WRITTEN);
  }

  #mark({ number }: Memory, use: number): void {
    this.#uses[number] = (this.#uses[number] ?? 0) | use;
    this.#used.push(number);
  }

  /** True where a group reads nothing that is written here, and writes nothing that is used here. */
  allows({ reads, writes }: Group): boolean {
    return this.#areFree(reads, WRITTEN) && this.#areFree(writes, READ | WRITTEN);
  }

  #areFree(memories: readonly Memory[], use: number): boolean {
    for (const { touches } of memories) {
      for (const touched of touches) if (((this.#uses[touched] ?? 0) & use) !== 0) return false;
    }
    return true;
  }
}
