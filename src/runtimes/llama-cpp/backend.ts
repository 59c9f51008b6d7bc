import type { Device } from "../device.ts";
import type { GraphTensor } from "./graph/tensor.ts";

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
