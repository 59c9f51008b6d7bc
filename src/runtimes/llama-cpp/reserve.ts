import type { Device } from "../device.ts";
import type { Backend } from "./backend.ts";
import { backendsOf, bufferOf } from "./backends.ts";
import { blockElements } from "./cache-type.ts";
import { CudaPool, type PoolBytes } from "./cuda/pool.ts";
import { DeviceAssignment } from "./device-assignment.ts";
import { LARGEST_ALONE, WITHOUT_FLASH_ATTENTION } from "./engine-facts.ts";
import type { FusedOperation, FusedOperations, GraphBatch, GraphBuilder, GraphSubject } from "./graph/context.ts";
import { type DrawnGraph, drawGraph } from "./graph/draw.ts";
import { mostOutputs, worstCaseTokens } from "./graph-moments.ts";
import { isPipelined, PIPELINE_COPIES } from "./pipelining.ts";
import { planGraph } from "./planner.ts";
import { scheduleGraph } from "./scheduler.ts";

/** What a context takes on a device to compute, in bytes. */
export type Reserved = {
  /** Scratch memory for the nodes of a graph. */
  readonly buffer: number;
  /** What CUDA's kernels take beside it, when they run. */
  readonly pool?: PoolBytes;
};

/** Of each device that computes. */
export type Reservation = ReadonlyMap<Device, Reserved>;

/**
 * What `llama_context::sched_reserve` reserves (llama.cpp 0.5.0 `src/llama-context.cpp:622-740`): the most that the worst-case
 * graph of a prompt or the graph of one token for each sequence takes on each device. `measured`: what the engine says where
 * it allocates nothing (`llama-fit-params`), which is the prompt's graph without what it keeps on a device.
 */
export function reserveCompute(
  subject: GraphSubject,
  builder: GraphBuilder,
  way: "allocated" | "measured" = "allocated",
): Reservation {
  const isMeasured = way === "measured";
  const backends = backendsOf(subject.placement, isMeasured);
  const buffers = backends.map(({ device }) => bufferOf(device));
  const { fused, generation } = resolveFused(subject, builder, backends);
  const pools = backends.map(({ device }) => (device.kind === "cuda" ? new CudaPool() : undefined));
  const bytes = backends.map(() => 0);
  const options = {
    operatorOffload: subject.settings.operatorOffload,
    copies: isPipelined(subject.settings, subject.placement) ? PIPELINE_COPIES : 1,
    keepsPinned: !isMeasured,
  };
  for (const [index, batch] of batchesOf(subject, fused).entries()) {
    if (isMeasured && index > 0) break;
    const graph = (index === GENERATION ? generation : undefined) ?? drawGraph(subject, batch, builder);
    const scheduled = scheduleGraph(graph, backends, options);
    planGraph(scheduled, buffers).forEach((size, buffer) => {
      bytes[buffer] = Math.max(bytes[buffer] ?? 0, size);
    });
    scheduled.nodes.forEach((node, place) => {
      pools[scheduled.nodeBuffers[place] ?? 0]?.add(node);
    });
  }
  return new Map(
    backends.map(({ device }, index): [Device, Reserved] => {
      const pool = pools[index]?.bytes;
      return [device, { buffer: bytes[index] ?? 0, ...(pool && { pool }) }];
    }),
  );
}

/** Place among the batches of the one that generates. */
const GENERATION = 1;

/** As many tokens for each sequence, then one token for each; at last the prompt's graph again, of few architectures as of one sequence. */
export function batchesOf({ model, settings, cells }: GraphSubject, fused: FusedOperations): GraphBatch[] {
  const { sequences } = settings;
  const tokens = worstCaseTokens(settings, cells);
  const outputs = mostOutputs(model, settings, cells);
  const isLargestAlone = sequences > 1 && LARGEST_ALONE.has(model.architecture ?? "");
  return [
    { tokens, sequences, outputs, ...fused },
    generationBatch(sequences, fused),
    ...(isLargestAlone ? [{ tokens: worstCaseTokens({ sequences: 1 }, cells), sequences: 1, outputs, ...fused }] : []),
  ];
}

/** One token for each sequence. */
function generationBatch(sequences: number, fused: FusedOperations): GraphBatch {
  return { tokens: sequences, sequences, outputs: sequences, ...fused };
}

/**
 * Operations that a layer's device does not compute are taken in steps by all layers (`resolve_fused_ops`). Attention that
 * was asked for stays; quantized values ask for it. Delta nets and indexers are not probed (`auto_fgdn`, `auto_flid` are
 * off, `src/llama-context.cpp:235`). The graph it was last seen in is that of one token for each sequence.
 */
function resolveFused(
  subject: GraphSubject,
  builder: GraphBuilder,
  backends: readonly Backend[],
): { readonly fused: FusedOperations; readonly generation?: DrawnGraph } {
  const { settings, model, placement } = subject;
  const { sequences, operatorOffload, flashAttention, cacheTypeV } = settings;
  const isOff = flashAttention === "off" || WITHOUT_FLASH_ATTENTION.has(model.architecture ?? "");
  const isAsked = flashAttention === "on" || blockElements(cacheTypeV) > 1;
  let fused: FusedOperations = { flashAttention: !isOff, hyperPre: true, hyperCombine: true, hyperPost: true };
  if (backends.length === 1) return { fused };
  const probed: readonly FusedOperation[] = [
    ...(isOff || isAsked ? [] : (["flashAttention"] as const)),
    "hyperPre",
    "hyperCombine",
    "hyperPost",
  ];
  let generation = drawGraph(subject, generationBatch(sequences, fused), builder);
  for (const operation of probed) {
    const nodes = generation.fused.filter((each) => each.operation === operation);
    if (nodes.length === 0) continue;
    const devices = new DeviceAssignment(generation, backends, { operatorOffload, copies: 1, keepsPinned: true });
    if (nodes.every(({ node, layer }) => devices.deviceOf(node) === placement.deviceOf(layer))) continue;
    fused = { ...fused, [operation]: false };
    generation = drawGraph(subject, generationBatch(sequences, fused), builder);
  }
  return { fused, generation };
}
