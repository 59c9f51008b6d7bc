import type { KeptUntil } from "../backend.ts";
import { addUp, isAlone } from "../fused-nodes.ts";
import { LOOKS_ONLY, type Operation } from "../graph/operation.ts";
import { hasWholeRows, haveSameLayout, haveSameShape, isContiguous } from "../graph/ops/shapes.ts";
import type { GraphTensor } from "../graph/tensor.ts";

/** Nodes that Metal computes in one (llama.cpp 0.5.0 `ggml/src/ggml-metal/ggml-metal-fusion.cpp:672`, ggml_metal_fusions). */
type Fusion = {
  /** In their order, with those that only look at memory. */
  readonly operations: readonly Operation[];
  /** Those that compute. */
  readonly computing: readonly Operation[];
  /** Whether nodes that compute, `chain`, can be; `all` are those of the graph from the first of them. */
  fits(chain: readonly GraphTensor[], all: readonly GraphTensor[]): boolean;
};

/** Nodes in one group, at most. */
const MOST_NODES = 16;

function fusion(operations: readonly Operation[], fits: Fusion["fits"]): Fusion {
  return { operations, computing: operations.filter((each) => !LOOKS_ONLY.has(each)), fits };
}

/** Each node computes with the one before it, of the same shape; nothing else reads those before the last. */
function isChain(nodes: readonly GraphTensor[]): boolean {
  const follow = nodes.every((node, index) => {
    const before = nodes[index - 1];
    return before === undefined || (node.sources.slice(0, 2).includes(before) && haveSameShape(node, before));
  });
  return follow && isAlone(nodes, nodes.slice(-1));
}

/** The second source of each node after the first, which begins with the one before it. */
function others(nodes: readonly GraphTensor[]): readonly GraphTensor[] | undefined {
  const after = nodes.slice(1);
  if (!after.every(({ sources }, index) => sources[0] === nodes[index])) return undefined;
  return after.flatMap(({ sources }) => sources[1] ?? []);
}

/** Norms with their weight and bias. */
const norms: Fusion["fits"] = (nodes) => {
  const [first] = nodes;
  const weights = others(nodes);
  if (first === undefined || weights === undefined || !isChain(nodes)) return false;
  const isFloat = nodes.slice(1).every(({ type }) => type.name === "F32");
  return isFloat && weights.every((weight) => weight.ne[0] === first.ne[0] && hasWholeRows(weight));
};

const addsInTurn: Fusion["fits"] = (nodes) => {
  const added = others(nodes);
  const [first] = nodes;
  const second = first?.sources[1];
  if (added === undefined || second === undefined || !isChain(nodes)) return false;
  return added.every((each) => haveSameLayout(each, second));
};

/** Numbers of a kind, and what follows on them: all in float32. */
const followsInFloats: Fusion["fits"] = (nodes) =>
  others(nodes) !== undefined &&
  isChain(nodes) &&
  nodes.every((node) => node.type.name === "F32" && hasWholeRows(node));

/** A scan by the delta rule that writes the states after it to the cache itself. */
const writesStates: Fusion["fits"] = ([scan, copy]) => {
  const [after, cache] = copy?.sources ?? [];
  const values = scan?.sources[2];
  if (scan === undefined || copy === undefined || !after || !cache || !values) return false;
  if (scan.flags !== 0 || copy.flags !== 0 || after.operation !== "VIEW" || after.viewOf !== scan) return false;
  const [size, heads, tokens, sequences] = values.ne;
  const kept = (scan.ne[1] - tokens * sequences) / (size * sequences);
  const state = size * size * heads;
  const shape = [state, sequences, Math.min(tokens, kept), 1];
  const isWhole = cache.nb[0] === 4 && cache.nb[1] === 4 * state;
  return isContiguous(after) && cache.type.name === "F32" && isWhole && shape.every((n, i) => n === cache.ne[i]);
};

/** The choice of experts: each operation, and which of the nodes it reads. */
type Step = readonly [operation: Operation, sources: readonly number[]];
const CHOICE: readonly Step[] = [
  ["SOFT_MAX", []],
  ["RESHAPE", [0]],
  ["ARGSORT", [0]],
  ["VIEW", [2]],
  ["GET_ROWS", [1, 3]],
];
const CHOICE_MADE_ONE: readonly Step[] = [
  ...CHOICE,
  ["RESHAPE", [4]],
  ["SUM_ROWS", [5]],
  ["CLAMP", [6]],
  ["DIV", [5, 7]],
  ["RESHAPE", [8]],
];
const scaled = (steps: readonly Step[]): readonly Step[] => [...steps, ["SCALE", [steps.length - 1]]];

const MOST_EXPERTS = 1024;

function choosesExperts(steps: readonly Step[]): Fusion {
  const operations = steps.map(([operation]) => operation);
  return fusion(operations, (_, all) => {
    const nodes = all.slice(0, steps.length);
    const [first, , , chosen] = nodes;
    const last = nodes.at(-1);
    const [logits, ...mask] = first?.sources ?? [];
    if (!has(operations, nodes) || !last || !chosen || !logits || mask.length > 0) return false;
    const isLinked = steps.every(([, sources], index) =>
      sources.every((source, place) => nodes[index]?.sources[place] === nodes[source]),
    );
    const isWhole = isContiguous(logits) && isContiguous(last) && chosen.nb[1] === 4 * logits.ne[0];
    return isLinked && isWhole && logits.ne[0] <= MOST_EXPERTS && isAlone(nodes, [chosen, last]);
  });
}

/** The sum of as many experts' rows, each times its weight. */
function sumsExperts(used: number): Fusion {
  const operations: readonly Operation[] = ["MUL", ...times(used, "VIEW"), ...times(used - 1, "ADD")];
  return fusion(operations, (_, all) => {
    const nodes = all.slice(0, operations.length);
    const [weighted] = nodes;
    const result = nodes.at(-1);
    const [rows, weights] = weighted?.sources ?? [];
    if (!has(operations, nodes) || !weighted || !rows || !weights || !result) return false;
    const isFloat = [weighted, rows, weights, result].every(({ type }) => type.name === "F32");
    const isEach = rows.ne[1] === used && weights.ne[0] === 1 && weights.ne[1] === used && weights.ne[2] === rows.ne[2];
    const isWhole = [rows, weights, result].every(isContiguous);
    const isSum = addUp(weighted, nodes.slice(1, 1 + used), nodes.slice(1 + used));
    return isFloat && isEach && isWhole && isSum && isAlone(nodes, [result]);
  });
}

function times(count: number, operation: Operation): Operation[] {
  return Array.from({ length: count }, () => operation);
}

function has(operations: readonly Operation[], nodes: readonly GraphTensor[], start = 0): boolean {
  return operations.every((operation, index) => nodes[start + index]?.operation === operation);
}

const COUNTS: readonly number[] = [2, 3, 4, 5, 6, 7];

/** All but the snake activation (`ops_snake`): no graph here has its sine. */
const FUSIONS: readonly Fusion[] = [
  ...(["NORM", "RMS_NORM"] as const).flatMap((norm) => [
    fusion([norm, "MUL"], norms),
    fusion([norm, "MUL", "ADD"], norms),
    fusion([norm, "SCALE"], followsInFloats),
  ]),
  ...COUNTS.map((count) => fusion(times(count, "ADD"), addsInTurn)),
  fusion(["GATED_DELTA_NET", "CPY"], writesStates),
  ...[CHOICE, scaled(CHOICE), CHOICE_MADE_ONE, scaled(CHOICE_MADE_ONE)].map(choosesExperts),
  ...[...COUNTS, 8].map(sumsExperts),
  fusion(["SSM_CONV", "UNARY"], followsInFloats),
];

/** The same by the operation they begin with. */
const BY_FIRST: ReadonlyMap<Operation, readonly Fusion[]> = new Map(
  FUSIONS.flatMap(({ operations: [first] }) => {
    return first === undefined ? [] : [[first, FUSIONS.filter((each) => each.operations[0] === first)] as const];
  }),
);

/** True of nodes that Metal runs a kernel for. */
function computes({ operation, ne }: GraphTensor): boolean {
  return !LOOKS_ONLY.has(operation) && operation !== "NONE" && ne.every((count) => count > 0);
}

/** How many nodes from one on stay together because they may be computed in one (`ggml_metal_fusion_max`). */
export function fusedCount(nodes: readonly GraphTensor[], start: number): number {
  const first = nodes[start];
  if (first === undefined || !BY_FIRST.has(first.operation) || !computes(first)) return 1;
  const places: number[] = [];
  for (let at = start; at < nodes.length && places.length < MOST_NODES; at++) {
    const node = nodes[at];
    if (node !== undefined && computes(node)) places.push(at);
  }
  let count = 0;
  while (count < places.length) {
    const fused = longestFusion(nodes, places.slice(count));
    if (fused === undefined || count + fused.computing.length > MOST_NODES) break;
    count += fused.computing.length;
  }
  return count === 0 ? 1 : Math.min(MOST_NODES, (places[count - 1] ?? start) - start + 1);
}

function longestFusion(nodes: readonly GraphTensor[], places: readonly number[]): Fusion | undefined {
  const [start = 0] = places;
  let found: Fusion | undefined;
  for (const each of BY_FIRST.get(nodes[start]?.operation ?? "NONE") ?? []) {
    const { computing } = each;
    if (computing.length <= (found?.computing.length ?? 1)) continue;
    if (!computing.every((operation, index) => nodes[places[index] ?? -1]?.operation === operation)) continue;
    const chain = places.slice(0, computing.length).flatMap((place) => nodes[place] ?? []);
    if (each.fits(chain, nodes.slice(start, start + 2 * MOST_NODES))) found = each;
  }
  return found;
}

/**
 * What Metal keeps until the last of nodes that look as if they could be computed in one: all that they read from outside
 * (`ggml_metal_fusion_add_alloc_deps`). Of all nodes of the graph, those of one split stand from `start` to `end`.
 */
export function keptByMetal(all: readonly GraphTensor[], start: number, end: number): KeptUntil[] {
  const nodes = all.slice(start, end);
  const kept: KeptUntil[] = [];
  for (let at = 0; at < nodes.length; at++) {
    let count = 0;
    for (const { operations } of BY_FIRST.get(nodes[at]?.operation ?? "NONE") ?? []) {
      if (operations.length > count && has(operations, nodes, at)) count = operations.length;
    }
    if (count === 0) continue;
    const group = nodes.slice(at, at + count);
    const until = group.at(-1);
    if (until === undefined) continue;
    kept.push({ until, kept: readFromOutside(group) });
    at += count - 1;
  }
  return kept;
}

/** Each once, and no node of the group that reads it after. */
function readFromOutside(group: readonly GraphTensor[]): GraphTensor[] {
  const inside = new Set<GraphTensor>();
  const read = new Set<GraphTensor>();
  for (const node of group) {
    for (const source of node.sources) if (!inside.has(source)) read.add(source);
    inside.add(node);
  }
  return [...read];
}
