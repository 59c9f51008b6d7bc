import { LOOKS_ONLY, type Operation } from "./graph/operation.ts";
import type { GraphTensor } from "./graph/tensor.ts";
import { fusedCount } from "./metal-fusions.ts";

/** Nodes that stay together, and the memory that they read of others and that they write. */
type Group = {
  readonly nodes: readonly GraphTensor[];
  readonly operation: Operation;
  readonly reads: readonly Memory[];
  readonly writes: readonly Memory[];
};

/** What stands for memory, and what it touches: the engine takes the memory right behind it for a part of it. */
type Memory = { readonly of: object; readonly touches: readonly object[] };

/** Over these a node may be moved (`h_safe`). */
const PASSED: ReadonlySet<Operation> = new Set([
  ...(["MUL_MAT", "MUL_MAT_ID", "ROPE", "NORM", "RMS_NORM", "GROUP_NORM", "L2_NORM", "SUM_ROWS"] as const),
  ...(["SSM_CONV", "SSM_SCAN", "CLAMP", "TRI", "DIAG", "MUL", "ADD", "SUB", "DIV", "GLU", "SCALE", "UNARY"] as const),
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
  const groups = groupsOf(nodes, cachesAreMadeUp);
  const ordered: GraphTensor[] = [];
  const isTaken = groups.map(() => false);
  const beside = new MemoryInUse();
  const passed = new MemoryInUse();
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

function groupsOf(nodes: readonly GraphTensor[], cachesAreMadeUp: boolean): Group[] {
  const known = new Map<GraphTensor, Memory>();
  const memoryOf = (tensor: GraphTensor): Memory => {
    const whole = tensor.viewOf ?? tensor;
    const memory = known.get(whole) ?? memoryOfWhole(whole, cachesAreMadeUp);
    known.set(whole, memory);
    return memory;
  };
  const written = new Set<object>();
  for (const node of nodes) {
    const { of, touches } = memoryOf(node);
    written.add(of);
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
        const memory = memoryOf(source);
        // Nothing waits for what no node writes.
        if (written.has(memory.of) || memory.touches.some((each) => written.has(each))) reads.push(memory);
      }
    }
    groups.push({ nodes: own, operation: own[0]?.operation ?? "NONE", reads, writes: own.map(memoryOf) });
  }
  return groups;
}

/** What has no memory yet stands for its own. */
function memoryOfWhole(whole: GraphTensor, cachesAreMadeUp: boolean): Memory {
  const { lies } = whole;
  if (lies === undefined) return { of: whole, touches: [whole] };
  const isMadeUp = cachesAreMadeUp && lies.buffer.isMadeUp;
  return isMadeUp ? { of: lies.buffer, touches: [lies.buffer] } : { of: whole, touches: lies.touches };
}

const READ = 1;
const WRITTEN = 2;

/** Memory that nodes which run at once read and write (`ggml_mem_ranges`). */
class MemoryInUse {
  readonly #uses = new Map<object, number>();

  clear(): void {
    this.#uses.clear();
  }

  add({ reads, writes }: Group): void {
    for (const { of } of reads) this.#uses.set(of, (this.#uses.get(of) ?? 0) | READ);
    for (const { of } of writes) this.#uses.set(of, (this.#uses.get(of) ?? 0) | WRITTEN);
  }

  /** True where a group reads nothing that is written here, and writes nothing that is used here. */
  allows({ reads, writes }: Group): boolean {
    return this.#areFree(reads, WRITTEN) && this.#areFree(writes, READ | WRITTEN);
  }

  #areFree(memories: readonly Memory[], use: number): boolean {
    for (const { touches } of memories) {
      for (const touched of touches) if (((this.#uses.get(touched) ?? 0) & use) !== 0) return false;
    }
    return true;
  }
}
