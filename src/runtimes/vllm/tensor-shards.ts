import type { RecurrentMixer } from "../../model/mixer.ts";
import { attentionPart, recurrentPart } from "../../model/mixer-parts.ts";
import type { Model, ModelTensor } from "../../model/model.ts";
import { padTo } from "../pad.ts";
import type { VllmSettings } from "./settings.ts";
import { localHeads } from "./shards.ts";
import { repeatedChannels } from "./state.ts";

/** Where a rank stands: its stage, and its turn among the ranks that experts are spread over. */
export type Place = { readonly stage: number; readonly expertRank: number };

/** Ranks are counted tensor first, then stages, then copies (`parallel_state.py`, initialize_model_parallel). */
export function placeOf(rank: number, { tensorParallel, pipelineParallel }: VllmSettings): Place {
  const tensorRank = rank % tensorParallel;
  const copy = Math.floor(rank / (tensorParallel * pipelineParallel));
  return {
    stage: Math.floor(rank / tensorParallel) % pipelineParallel,
    expertRank: copy * tensorParallel + tensorRank,
  };
}

/** Rows of vocabulary are padded to a multiple of this (`vocab_parallel_embedding.py`, DEFAULT_VOCAB_PADDING_SIZE). */
const VOCABULARY_ROWS = 64;

/** Whole on every rank: norms, routers, and what makes latents of the hidden state. */
const REPLICATED =
  /(norm\w*|ln_\w+|layernorm\w*|(mlp|moe|ffn|feed_forward|block_sparse_moe|mixer)\.(gate|router)(\.wg)?|router(\.\w+)*|shared_expert_gate|(q_a|kv_a)_proj\w*|kv_a_proj_with_mqa|q_a_proj|indexer(\.\w+)*|e_score_correction_bias|sinks_|embed_positions|position_embeddings?|wpe)\.(weight|bias|weight_scale\w*)$|(e_score_correction_bias|expert_bias|experts\.down_proj_bias)$/;

/** Their input is shared out, and what they add is summed: each bias is whole. */
const SPLIT_BY_INPUT =
  /(^|\.)(o_proj|out_proj|down_proj|dense_4h_to_h|c_proj|fc2|fc_out|w2|wo|dense|attn_out|out_lin|lin2|proj_out|linear_out)\.bias$/;

const KEYS_AND_VALUES = /(^|\.)([kv]_proj|k|v|wk|wv)\.(weight|bias)$/;

/** Queries, keys and values in one matrix. */
const FUSED = /(^|\.)(c_attn|query_key_value|qkv_proj|Wqkv|qkv)\.(weight|bias)$/;

/** Of Mamba-2, whose groups are repeated: into its channels, and the convolution over them; its norm is shared out. */
const CHANNELS = /(^|\.)(in_proj|conv1d)\.(weight|bias)$/;
const STATE_NORM = /(^|\.)(mixer|mamba)\.norm\.weight$/;

const EXPERT = /\.experts?\.(\d+\.|(gate_up|down|gate|up)_proj|w[123])/;

/** Share of a tensor's bytes that is on one rank. */
export function rankShare(tensor: ModelTensor, model: Model, settings: VllmSettings, place: Place): number {
  const { tensorParallel, dataParallel, expertParallel } = settings;
  const { name, component, shape } = tensor;
  if (component === "embedding" || component === "output") return vocabularyShare(tensor, model, tensorParallel);
  if (expertParallel && EXPERT.test(name)) return expertShare(model, tensorParallel * dataParallel, place);
  if (tensorParallel === 1) return 1;
  const mixer = tensor.layer === undefined ? undefined : model.layers[tensor.layer]?.mixer;
  const recurrent = mixer && recurrentPart(mixer);
  if (recurrent?.family === "mamba2") {
    if (STATE_NORM.test(name)) return 1 / tensorParallel;
    if (CHANNELS.test(name)) return channelShare(tensor, recurrent, tensorParallel);
  }
  if (shape.length === 0 || component === "norm" || REPLICATED.test(name) || SPLIT_BY_INPUT.test(name)) return 1;
  const attention = mixer && attentionPart(mixer);
  if (component !== "attention" || attention?.kind !== "attention") return 1 / tensorParallel;
  const { heads, kvHeads } = attention;
  const own = localHeads(kvHeads, tensorParallel);
  // One head of keys and values on each rank at least.
  if (KEYS_AND_VALUES.test(name)) return own / kvHeads;
  return FUSED.test(name) ? (heads / tensorParallel + 2 * own) / (heads + 2 * kvHeads) : 1 / tensorParallel;
}

function channelShare({ shape }: ModelTensor, recurrent: RecurrentMixer, tensorParallel: number): number {
  const [rows = 1] = shape;
  return (rows + repeatedChannels(recurrent, tensorParallel)) / rows / tensorParallel;
}

/** A matrix with a row for each word; embeddings of positions and their like are whole. */
function vocabularyShare({ shape }: ModelTensor, { vocabularySize }: Model, tensorParallel: number): number {
  const [rows = 0] = shape;
  if (rows === 0 || vocabularySize === null || rows !== vocabularySize) return 1;
  return padTo(rows, VOCABULARY_ROWS) / rows / tensorParallel;
}

/** Whole experts, one more on the first ranks where they do not divide (`fused_moe/layer.py`, determine_expert_map). */
function expertShare(model: Model, ranks: number, { expertRank }: Place): number {
  const experts = Math.max(
    1,
    ...model.layers.map(({ feedForward }) => (feedForward.kind === "experts" ? feedForward.experts : 1)),
  );
  const own = Math.floor(experts / ranks) + (expertRank < experts % ranks ? 1 : 0);
  return own / experts;
}
