import { byEnding, type ShapeRule, type Sizes } from "./published-shapes.ts";

/**
 * Models with vision towers of their own repositories' code. The towers are known models: CLIP ViT-L/14 at 336 pixels, a
 * ConvNeXt of 3, 4, 30 and 3 blocks, SigLIP so400m at 384 pixels. That the shapes are these is shown by the published
 * totals, which they add up to.
 */

const hidden = (size: Sizes): number => size("hidden_size");

const CLIP = { width: 1024, feedForward: 4096, patch: 3 * 14 * 14, positions: 577 };

/** Two layers of CLIP side by side. */
const POOLED = 2 * CLIP.width;

const keysAndValues = (size: Sizes): number =>
  2 * size("num_key_value_heads") * (hidden(size) / size("num_attention_heads"));

/** The matrices of a block, before packing. */
const MOLMO_MATRICES: readonly (readonly [name: string, shape: (size: Sizes) => readonly [number, number]])[] = [
  ["att_proj", (size) => [hidden(size) + keysAndValues(size), hidden(size)]],
  ["attn_out", (size) => [hidden(size), hidden(size)]],
  ["ff_proj", (size) => [size("intermediate_size"), hidden(size)]],
  ["ff_out", (size) => [hidden(size), size("intermediate_size") / 2]],
];

const NF4_BLOCK = 64;
const NF4_VALUES = 16;

/** What bitsandbytes stores of a matrix in NF4 without nested scales (`functional.py`, QuantState.as_dict). */
function nf4(part: string, shape: readonly [number, number]): readonly number[] {
  const elements = shape[0] * shape[1];
  if (part === "absmax") return [elements / NF4_BLOCK];
  if (part === "quant_map") return [NF4_VALUES];
  if (part.startsWith("quant_state")) return [stateText(shape).length];
  return [elements / 2, 1];
}

/** As Python writes it, with a space after each comma and colon. */
function stateText(shape: readonly number[]): string {
  return `{"quant_type": "nf4", "blocksize": ${NF4_BLOCK}, "dtype": "float16", "shape": [${shape.join(", ")}]}`;
}

/** Molmo 7B D in NF4: Qwen 2's sizes under OLMo's names, CLIP, attention that pools its patches, a projector. */
export const molmo: ShapeRule = (name, size) => {
  const [, matrix, part] = /blocks\.\d+\.(\w+)\.weight(?:\.(.+))?$/.exec(name) ?? [];
  const packed = MOLMO_MATRICES.find(([each]) => each === matrix && name.includes("transformer.blocks."));
  if (packed !== undefined) return nf4(part ?? "", packed[1](size));
  return molmoPlain(name, size);
};

const molmoPlain: ShapeRule = byEnding([
  [/att_proj\.bias$/, (size) => [hidden(size) + keysAndValues(size)]],
  [/wte\.embedding$/, (size) => [size("embedding_size"), hidden(size)]],
  [/wte\.new_embedding$/, () => [128, 3584]],
  [/transformer\.ff_out\.weight$/, (size) => [size("embedding_size"), hidden(size)]],
  [/image_projector\.w[13]\.weight$/, (size) => [size("intermediate_size") / 2, CLIP.width]],
  [/image_projector\.w2\.weight$/, (size) => [hidden(size), size("intermediate_size") / 2]],
  [/pad_embed$/, () => [2, POOLED]],
  [/class_embedding$/, () => [CLIP.width]],
  [/patch_embedding\.weight$/, () => [CLIP.width, CLIP.patch]],
  [/positional_embedding$/, () => [CLIP.positions, CLIP.width]],
  [/image_pooling_2d\.w[qkv]\.weight$/, () => [CLIP.width, POOLED]],
  [/(?:attention|image_pooling_2d)\.w[qkvo]\.weight$/, () => [CLIP.width, CLIP.width]],
  [/feed_forward\.w1\.weight$/, () => [CLIP.feedForward, CLIP.width]],
  [/feed_forward\.w1\.bias$/, () => [CLIP.feedForward]],
  [/feed_forward\.w2\.weight$/, () => [CLIP.width, CLIP.feedForward]],
  [/(?:image_vit|image_pooling_2d)\..*\.(?:weight|bias)$/, () => [CLIP.width]],
  [/(?:norm|ln_f)\.weight$/, (size) => [hidden(size)]],
]);

/** Types of what is packed, and of its scales. */
export function molmoDtype(name: string): string {
  if (/\.(?:absmax|quant_map)$/.test(name)) return "F32";
  return /quant_state|transformer\.blocks\.\d+\.(?:att_proj|attn_out|ff_proj|ff_out)\.weight$/.test(name)
    ? "U8"
    : "F16";
}

const CONVNEXT_WIDTHS: readonly number[] = [384, 768, 1536, 3072];
const CONVNEXT_OUT = 1024;
const SIGLIP = { width: 1152, feedForward: 4304, positions: 729 };

function stageWidth(name: string, offset = 0): number {
  const stage = Number(/stages\.(\d)\./.exec(name)?.[1] ?? 0);
  return CONVNEXT_WIDTHS[stage + offset] ?? 0;
}

function convnext(name: string): readonly number[] | undefined {
  const [first = 0] = CONVNEXT_WIDTHS;
  const last = CONVNEXT_WIDTHS.at(-1) ?? 0;
  const width = stageWidth(name);
  const rows: readonly (readonly [RegExp, readonly number[]])[] = [
    [/stem\.0\.weight$/, [first, 3, 4, 4]],
    [/stem\./, [first]],
    [/head\.fc\.weight$/, [CONVNEXT_OUT, last]],
    [/head\.fc\.bias$/, [CONVNEXT_OUT]],
    [/head\.norm\./, [last]],
    [/downsample\.0\./, [stageWidth(name, -1)]],
    [/downsample\.1\.weight$/, [width, stageWidth(name, -1), 2, 2]],
    [/conv_dw\.weight$/, [width, 1, 7, 7]],
    [/fc1\.weight$/, [4 * width, width]],
    [/fc1\.bias$/, [4 * width]],
    [/fc2\.weight$/, [width, 4 * width]],
    [/./, [width]],
  ];
  return rows.find(([ending]) => ending.test(name))?.[1];
}

const logicsPlain: ShapeRule = byEnding([
  [/patch_embedding\.weight$/, () => [SIGLIP.width, 3, 14, 14]],
  [/position_embedding\.weight$/, () => [SIGLIP.positions, SIGLIP.width]],
  [/vision_model\..*_proj\.weight$/, () => [SIGLIP.width, SIGLIP.width]],
  [/vision_model\..*fc1\.weight$/, () => [SIGLIP.feedForward, SIGLIP.width]],
  [/vision_model\..*fc1\.bias$/, () => [SIGLIP.feedForward]],
  [/vision_model\..*fc2\.weight$/, () => [SIGLIP.width, SIGLIP.feedForward]],
  [/vision_model\./, () => [SIGLIP.width]],
  [/mm_projector\.0\.weight$/, (size) => [hidden(size), size("mm_hidden_size")]],
  [/mm_projector\.2\.weight$/, (size) => [hidden(size), hidden(size)]],
  [/(?:embed_tokens|lm_head)\.weight$/, (size) => [size("vocab_size"), hidden(size)]],
  [/q_proj\.weight$/, (size) => [size("num_attention_heads") * size("head_dim"), hidden(size)]],
  [/o_proj\.weight$/, (size) => [hidden(size), size("num_attention_heads") * size("head_dim")]],
  [/[kv]_proj\.weight$/, (size) => [size("num_key_value_heads") * size("head_dim"), hidden(size)]],
  [/(?:gate|up)_proj\.weight$/, (size) => [size("intermediate_size"), hidden(size)]],
  [/down_proj\.weight$/, (size) => [hidden(size), size("intermediate_size")]],
  [/[qk]_norm\.weight$/, (size) => [size("head_dim")]],
  [/./, (size) => [hidden(size)]],
]);

/** Logics Thinking: Qwen 3 8B with a ConvNeXt and SigLIP, whose outputs a projector takes side by side. */
export const logics: ShapeRule = (name, size) =>
  name.includes("vision_towers.0.") ? convnext(name) : logicsPlain(name, size);
