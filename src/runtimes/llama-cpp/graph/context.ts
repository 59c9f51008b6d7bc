import type { Model } from "../../../model/model.ts";
import type { Cells } from "../cells.ts";
import type { Placement } from "../placement.ts";
import type { LlamaCppSettings } from "../settings.ts";
import type { TensorPlaces } from "../tensor-place.ts";
import { GraphCaches } from "./caches.ts";
import { ComputeGraph } from "./graph.ts";
import { Hyperparameters } from "./hyperparameters.ts";
import { F32, type GraphTensor, I32, inputTensor } from "./tensor.ts";
import { BlockWeights, GraphWeights, indexTensors, MissingWeight, type TensorIndex } from "./weights.ts";

/** A model in a context: what every graph of it is drawn from. */
export type GraphSubject = {
  readonly model: Model;
  readonly settings: LlamaCppSettings;
  readonly cells: Cells;
  readonly placement: Placement;
  readonly places: TensorPlaces;
  readonly tensors: TensorIndex;
  readonly hp: Hyperparameters;
  /** The model that a draft is for, in its context. */
  readonly target?: GraphSubject;
};

/** A model in a context, with what every graph of it looks up. */
export function graphSubject(subject: Omit<GraphSubject, "tensors" | "hp">): GraphSubject {
  const { model } = subject;
  return { ...subject, tensors: indexTensors(model.tensors), hp: new Hyperparameters(model) };
}

/** The batch that a graph is for, and which of several ways to compute it takes. */
export type GraphBatch = {
  readonly tokens: number;
  /** Sequences, each with as many of the tokens (`ubatch.n_seqs`). */
  readonly sequences: number;
  /** Tokens whose logits are computed. */
  readonly outputs: number;
} & FusedOperations;

/**
 * Operations that the engine takes where the devices of all layers have them, and otherwise does in steps
 * (`resolve_fused_ops`): attention, and what mixes the streams of hyper-connections before and after a layer.
 */
export type FusedOperations = {
  readonly [operation in FusedOperation]: boolean;
};
export type FusedOperation = "flashAttention" | "hyperPre" | "hyperCombine" | "hyperPost";

/** A node of such an operation, and the layer whose device has to be able to compute it. */
export type FusedNode = { readonly operation: FusedOperation; readonly layer: number; readonly node: GraphTensor };

/** What an architecture puts out. */
export type GraphResult = {
  /** Hidden states after the last norm (`t_embd`). */
  readonly embedding?: GraphTensor;
  readonly logits?: GraphTensor;
  /** Hidden states for blocks that predict further tokens (`t_h_nextn`). */
  readonly nextHidden?: GraphTensor;
};

/** Draws the graph of one architecture. */
export type GraphBuilder = (g: GraphContext) => GraphResult;

/** Everything a builder needs, as `llm_graph_context` of llama.cpp 0.5.0 (`src/llama-graph.h`). */
export class GraphContext {
  readonly hp: Hyperparameters;
  readonly weights: GraphWeights;
  readonly caches: GraphCaches;
  readonly graph: ComputeGraph = new ComputeGraph();
  readonly subject: GraphSubject;
  readonly tokens: number;
  readonly sequences: number;
  readonly outputs: number;
  readonly fused: FusedOperations;
  readonly fusedNodes: FusedNode[] = [];
  #positions: GraphTensor | undefined;
  #tokenIds: GraphTensor | undefined;
  #outputRows: GraphTensor | undefined;
  #queryScales: GraphTensor | undefined;

  constructor(subject: GraphSubject, batch: GraphBatch) {
    this.subject = subject;
    this.hp = subject.hp;
    this.weights = new GraphWeights(subject);
    this.caches = new GraphCaches(subject);
    this.tokens = batch.tokens;
    this.sequences = batch.sequences;
    this.outputs = batch.outputs;
    this.fused = batch;
  }

  expand(tensor: GraphTensor): GraphTensor {
    return this.graph.expand(tensor);
  }

  /** Notes a node that {@link FusedOperations} are about; gives it back. */
  fusedNode(operation: FusedOperation, layer: number, node: GraphTensor): GraphTensor {
    this.fusedNodes.push({ operation, layer, node });
    return node;
  }

  /** Weights of the model that a draft is for. */
  targetWeights(): GraphWeights {
    const { target } = this.subject;
    if (target === undefined) throw new MissingWeight("of a target");
    return new GraphWeights(target);
  }

  block(index: number, prefix?: string, stored?: number): BlockWeights {
    return new BlockWeights(this.weights, index, prefix, stored);
  }

  /** Numbers of the tokens in the vocabulary (`inp_tokens`). */
  tokenIds(): GraphTensor {
    this.#tokenIds ??= inputTensor(I32, [this.tokens]);
    return this.#tokenIds;
  }

  /** Positions of the tokens: one number each, or `perToken` (`inp_pos`). */
  positions(perToken = 1): GraphTensor {
    this.#positions ??= inputTensor(I32, [this.tokens * perToken]);
    return this.#positions;
  }

  /** What queries are multiplied with by their position (`inp_attn_scale`). */
  queryScales(): GraphTensor {
    this.#queryScales ??= inputTensor(F32, [1, 1, this.tokens]);
    return this.#queryScales;
  }

  /** Which tokens are put out (`inp_out_ids`). */
  outputRows(): GraphTensor {
    this.#outputRows ??= inputTensor(I32, [this.outputs]);
    return this.#outputRows;
  }

  /** Factors of the rotary frequencies in a layer (`get_rope_factors`); undefined where the model has none. */
  rotaryFactors(layer: number): GraphTensor | undefined {
    const { placement, cells } = this.subject;
    const device = placement.deviceOf(layer);
    const trained = this.hp.number("rope.scaling.original_context_length", this.hp.number("context_length", 0));
    return (
      this.weights.find("rope_freqs.weight", device) ??
      this.weights.find(`rope_factors_${cells.full > trained ? "long" : "short"}.weight`, device)
    );
  }

  /** The first norm of a block is kept on its device (`graph_get_cb`, `src/llama-context.cpp:2598`). */
  keepOnDevice(tensor: GraphTensor, layer: number): void {
    const { placement, settings } = this.subject;
    const allOffloaded = settings.gpuLayers === "all" || settings.gpuLayers > this.hp.allLayers;
    if (layer >= 0 && (this.tokens < 32 || allOffloaded)) tensor.pinnedTo = placement.deviceOf(layer);
  }
}
