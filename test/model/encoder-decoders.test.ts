import { describe, expect, test } from "vitest";
import type { BuiltModel } from "../../src/model/build.ts";
import { buildGguf, buildSafetensors, keysOf, range, type Table, tensor } from "./support.ts";

const WIDTH = 64;
const T5 = { model_type: "t5", d_model: WIDTH, d_kv: 16, d_ff: 80, num_heads: 4, num_layers: 3, num_decoder_layers: 2 };

function attention(path: string): Table {
  return ["q", "k", "v", "o"].map((name) => tensor(`${path}.${name}.weight`, [WIDTH, WIDTH]));
}

function t5Side(side: "encoder" | "decoder", layers: number): Table {
  const blocks = range(layers).flatMap((layer) => {
    const block = `${side}.block.${layer}.layer`;
    return [
      ...attention(`${block}.0.SelfAttention`),
      ...(side === "decoder" ? attention(`${block}.1.EncDecAttention`) : []),
      tensor(`${block}.${side === "decoder" ? 2 : 1}.DenseReluDense.wi.weight`, [80, WIDTH]),
      tensor(`${block}.${side === "decoder" ? 2 : 1}.DenseReluDense.wo.weight`, [WIDTH, 80]),
    ];
  });
  return [...blocks, tensor(`${side}.final_layer_norm.weight`, [WIDTH])];
}

const EMBEDDING = tensor("shared.weight", [96, WIDTH]);
const BLOCK_BYTES = 2 * (4 * WIDTH * WIDTH + 2 * 80 * WIDTH);
const CROSS_BYTES = 2 * 4 * WIDTH * WIDTH;
const NORM_BYTES = 2 * WIDTH;

function layerBytes({ layers }: BuiltModel): number[] {
  return layers.map(({ weightBytes }) => weightBytes);
}

describe("an encoder-decoder", () => {
  const { model, diagnostics } = buildSafetensors(T5, [EMBEDDING, ...t5Side("encoder", 3), ...t5Side("decoder", 2)]);

  test("has the layers of its decoder, each attending to the encoder's output as to its own tokens", () => {
    expect(diagnostics).toEqual([]);
    expect(model.layerCount).toBe(2);
    const heads = { heads: 4, kvHeads: 4, keyDim: 16, valueDim: 16 };
    expect(model.layers.map(({ mixer }) => mixer)).toEqual(
      range(2).map(() => ({ kind: "attention", ...heads, window: { kind: "none" }, causal: true })),
    );
    expect(model.layers.map((layer) => layer.cross)).toEqual(
      range(2).map(() => ({ kind: "cross", ...heads, encoderTokens: null })),
    );
  });

  test("weighs the encoder apart: none of its tensors is added to a decoder's layer", () => {
    expect(layerBytes(model)).toEqual(range(2).map(() => BLOCK_BYTES + CROSS_BYTES));
    expect(model.encoder).toEqual({ layerCount: 3, weightBytes: 3 * BLOCK_BYTES + NORM_BYTES });
    const rest = EMBEDDING.bytes + NORM_BYTES;
    const layers = layerBytes(model).reduce((sum, bytes) => sum + bytes, 0);
    expect(layers + (model.encoder?.weightBytes ?? 0) + rest).toBe(model.weights.bytes);
  });

  test("takes the encoder's blocks from the tensors where the keys say otherwise", () => {
    const other = buildSafetensors({ ...T5, num_layers: 5 }, [...t5Side("encoder", 3), ...t5Side("decoder", 2)]);
    expect(other.model.encoder?.layerCount).toBe(3);
    expect(other.diagnostics.map(({ message }) => message)).toEqual([
      "5 blocks in the encoder by config.json, 3 by the tensors; the tensors win.",
    ]);
  });

  test("does not believe an encoder of millions of blocks", () => {
    expect(buildSafetensors({ ...T5, num_layers: 16_000_000 }).model.encoder).toEqual({
      layerCount: null,
      weightBytes: 0,
    });
  });

  test("whose encoder was taken out of it keeps nothing, as an encoder", () => {
    const alone = buildSafetensors(T5, [EMBEDDING, ...t5Side("encoder", 3)]);
    expect(alone.diagnostics).toEqual([]);
    expect([alone.model.layerCount, alone.model.causal, alone.model.encoder]).toEqual([3, false, undefined]);
    expect(alone.model.layers.every(({ mixer, cross }) => mixer.kind === "attention" && !mixer.causal && !cross)).toBe(
      true,
    );
    expect(layerBytes(alone.model)).toEqual(range(3).map(() => BLOCK_BYTES));
  });

  test("whose decoder stands alone attends to nothing else", () => {
    const { layers, encoder } = buildSafetensors({ model_type: "mbart", is_encoder_decoder: false }).model;
    expect([layers.length, layers.some(({ cross }) => cross !== undefined), encoder]).toEqual([12, false, undefined]);
  });

  test("made of two models attends where the decoder's configuration says so", () => {
    const decoder = { model_type: "bert", num_hidden_layers: 2, is_decoder: true, add_cross_attention: true };
    const config = { model_type: "encoder-decoder", encoder: { model_type: "bert", num_hidden_layers: 3 }, decoder };
    const pair = buildSafetensors(config).model;
    expect([pair.causal, pair.layerCount, pair.encoder?.layerCount]).toEqual([true, 2, 3]);
    expect(pair.layers.every(({ cross }) => cross?.kvHeads === 12)).toBe(true);
  });

  test("takes Whisper's half a minute for the length of the encoder's output", () => {
    const { layers } = buildSafetensors({ model_type: "whisper", max_source_positions: 1500 }).model;
    expect(layers.map(({ cross }) => cross?.encoderTokens)).toEqual([1500, 1500, 1500, 1500]);
  });

  test("in a GGUF file has the layers of `dec.blk` and an encoder of `enc.blk`", () => {
    const side = (prefix: string, layers: number): Table =>
      range(layers).flatMap((block) => [
        tensor(`${prefix}.blk.${block}.attn_k.weight`, [WIDTH, WIDTH], "F16"),
        tensor(`${prefix}.blk.${block}.attn_v.weight`, [WIDTH, WIDTH], "F16"),
      ]);
    const keys = { block_count: 3, decoder_block_count: 2, embedding_length: WIDTH, "attention.head_count": 4 };
    const gguf = buildGguf(keysOf("t5", keys), [...side("enc", 3), ...side("dec", 2)]);
    expect(gguf.diagnostics).toEqual([]);
    expect(layerBytes(gguf.model)).toEqual([4 * WIDTH * WIDTH, 4 * WIDTH * WIDTH]);
    expect(gguf.model.encoder).toEqual({ layerCount: 3, weightBytes: 12 * WIDTH * WIDTH });
    const alone = buildGguf(keysOf("t5encoder", keys), side("enc", 3)).model;
    expect([layerBytes(alone).length, alone.weights.byComponent.attention]).toEqual([3, 12 * WIDTH * WIDTH]);
  });
});

describe("a decoder over images", () => {
  const text = { model_type: "mllama_text_model", num_hidden_layers: 5 };

  test("has layers that attend to an image alone, with all its tiles (Llama 3.2 Vision: 6,404 tokens)", () => {
    const vision = { image_size: 560, patch_size: 14, max_num_tiles: 4 };
    const { layers } = buildSafetensors({ model_type: "mllama", text_config: text, vision_config: vision }).model;
    expect(layers.map(({ mixer }) => mixer.kind)).toEqual([
      "attention",
      "attention",
      "attention",
      "cross",
      "attention",
    ]);
    expect(layers[3]?.mixer).toMatchObject({ kvHeads: 8, keyDim: 128, encoderTokens: 6404 });
  });
});
