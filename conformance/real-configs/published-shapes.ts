/** A tensor as a safetensors header has it. */
export type Entry = { readonly dtype: string; readonly shape: readonly number[] };

/** Sizes of a config.json, by key. */
export type Sizes = (key: string) => number;

/** Shape of a tensor by how its name ends; undefined for names that a rule does not know. */
export type ShapeRule = (name: string, size: Sizes) => readonly number[] | undefined;

/** Shapes by the ending of a name, first match wins. */
export function byEnding(
  rows: readonly (readonly [ending: RegExp, shape: (size: Sizes) => readonly number[]])[],
): ShapeRule {
  return (name, size) => rows.find(([ending]) => ending.test(name))?.[1](size);
}

const hidden = (size: Sizes): number => size("hidden_size");
const row = (size: Sizes): number[] => [hidden(size)];
const square = (size: Sizes): number[] => [hidden(size), hidden(size)];
const vocabulary = (size: Sizes): number[] => [size("vocab_size"), hidden(size)];

/** Qwen 1 (`modeling_qwen.py` of its repository): one matrix for queries, keys and values, half of `intermediate_size`. */
export const qwen: ShapeRule = byEnding([
  [/(?:wte|lm_head)\.weight$/, vocabulary],
  [/c_attn\.weight$/, (size) => [3 * hidden(size), hidden(size)]],
  [/c_attn\.bias$/, (size) => [3 * hidden(size)]],
  [/attn\.c_proj\.weight$/, square],
  [/mlp\.w[12]\.weight$/, (size) => [size("intermediate_size") / 2, hidden(size)]],
  [/mlp\.c_proj\.weight$/, (size) => [hidden(size), size("intermediate_size") / 2]],
  [/ln_[12f]\.weight$/, row],
]);

const headDim = (size: Sizes): number => hidden(size) / size("num_attention_heads");
const keys = (size: Sizes): number => size("num_key_value_heads") * headDim(size);

/** Pangu Embedded: Llama's shapes, with a bias at every projection of the attention, and its rotary table. */
export const pangu: ShapeRule = byEnding([
  [/(?:embed_tokens|lm_head)\.weight$/, vocabulary],
  [/[qo]_proj\.weight$/, square],
  [/[kv]_proj\.weight$/, (size) => [keys(size), hidden(size)]],
  [/[kv]_proj\.bias$/, (size) => [keys(size)]],
  [/(?:gate|up)_proj\.weight$/, (size) => [size("intermediate_size"), hidden(size)]],
  [/down_proj\.weight$/, (size) => [hidden(size), size("intermediate_size")]],
  [/inv_freq$/, (size) => [headDim(size) / 2]],
  [/(?:norm\.weight|_layernorm\.weight|[qo]_proj\.bias)$/, row],
]);

/** GPT-NeoX with a head of one row for the reward. */
export const neoxReward: ShapeRule = byEnding([
  [/embed_in\.weight$/, vocabulary],
  [/query_key_value\.weight$/, (size) => [3 * hidden(size), hidden(size)]],
  [/query_key_value\.bias$/, (size) => [3 * hidden(size)]],
  [/attention\.dense\.weight$/, square],
  [/dense_h_to_4h\.weight$/, (size) => [size("intermediate_size"), hidden(size)]],
  [/dense_h_to_4h\.bias$/, (size) => [size("intermediate_size")]],
  [/dense_4h_to_h\.weight$/, (size) => [hidden(size), size("intermediate_size")]],
  [/out_proj\.weight$/, (size) => [1, hidden(size)]],
  [/out_proj\.bias$/, () => [1]],
  [/(?:layernorm|layer_norm)\.(?:weight|bias)$|(?:dense|dense_4h_to_h)\.bias$/, row],
]);

const attended = (size: Sizes): number => size("num_attention_heads") * size("head_dim");
const cached = (size: Sizes): number => size("num_key_value_heads") * size("head_dim");

/** MiniMax-M1 (`modeling_minimax_m1.py` of its repository): lightning attention, a gate at its output, experts. */
export const minimax: ShapeRule = byEnding([
  [/(?:embed_tokens|lm_head)\.weight$/, vocabulary],
  [/qkv_proj\.weight$/, (size) => [3 * attended(size), hidden(size)]],
  [/(?:output_gate|q_proj)\.weight$/, (size) => [attended(size), hidden(size)]],
  [/(?:out_proj|o_proj)\.weight$/, (size) => [hidden(size), attended(size)]],
  [/[kv]_proj\.weight$/, (size) => [cached(size), hidden(size)]],
  [/self_attn\.norm\.weight$/, (size) => [attended(size)]],
  [/gate\.weight$/, (size) => [size("num_local_experts"), hidden(size)]],
  [/w[13]\.weight$/, (size) => [size("intermediate_size"), hidden(size)]],
  [/w2\.weight$/, (size) => [hidden(size), size("intermediate_size")]],
  [/(?:layernorm|norm)\.weight$/, row],
]);

/** ChatGLM 2 (`modeling_chatglm.py` of its repository): one matrix for queries and two groups of keys and values. */
export const chatglm: ShapeRule = byEnding([
  [/(?:word_embeddings|output_layer)\.weight$/, (size) => [size("padded_vocab_size"), hidden(size)]],
  [/query_key_value\.weight$/, (size) => [hidden(size) + 2 * groups(size), hidden(size)]],
  [/query_key_value\.bias$/, (size) => [hidden(size) + 2 * groups(size)]],
  [/self_attention\.dense\.weight$/, square],
  [/dense_h_to_4h\.weight$/, (size) => [2 * size("ffn_hidden_size"), hidden(size)]],
  [/dense_4h_to_h\.weight$/, (size) => [hidden(size), size("ffn_hidden_size")]],
  [/inv_freq$/, (size) => [size("kv_channels") / 4]],
  [/layernorm\.weight$/, row],
]);

const groups = (size: Sizes): number => size("multi_query_group_num") * size("kv_channels");
