import { describe, expect, it } from "vitest";
import { buildSafetensors, SMALL_CONFIG, type Table, tensor } from "./support.ts";

const PATH = "model.layers.0.mlp.up_proj";
const EXPERTS = "model.layers.0.mlp.experts";

function parametersOf(tensors: Table, quantization_config?: object): number {
  const { model, diagnostics } = buildSafetensors({ ...SMALL_CONFIG, quantization_config }, tensors);
  expect(diagnostics.filter(({ code }) => code === "undecoded-weights")).toEqual([]);
  return model.parameters.total;
}

function isUndecoded(tensors: Table, quantization_config?: object): boolean {
  const { diagnostics } = buildSafetensors({ ...SMALL_CONFIG, quantization_config }, tensors);
  return diagnostics.some(({ code }) => code === "undecoded-weights");
}

describe("headers typed from the source of what writes them count what was packed", () => {
  // transformers 5.23.0, integrations/finegrained_fp8.py `_init_expert_params` and integrations/fbgemm_fp8.py.
  it("of experts that are parameters, not modules", () => {
    const fp8 = [
      tensor(`${EXPERTS}.gate_up_proj`, [4, 256, 128], "F8_E4M3"),
      tensor(`${EXPERTS}.gate_up_proj_scale_inv`, [4, 2, 1], "F32"),
    ];
    expect(parametersOf(fp8)).toBe(4 * 256 * 128);
    const fbgemm = [
      tensor(`${EXPERTS}.down_proj`, [4, 128, 256], "F8_E4M3"),
      tensor(`${EXPERTS}.down_proj_scale`, [4, 256, 1], "F32"),
    ];
    expect(parametersOf(fbgemm)).toBe(4 * 128 * 256);
    // nvidia-modelopt 0.47.0, export/quant_utils.py: scales of a weight of another name have that name before theirs.
    const nvfp4 = [
      tensor(`${EXPERTS}.gate_up_proj`, [4, 256, 64], "U8"),
      tensor(`${EXPERTS}.gate_up_proj_weight_scale`, [4, 256, 8], "F8_E4M3"),
      tensor(`${EXPERTS}.gate_up_proj_weight_scale_2`, [4], "F32"),
      tensor(`${EXPERTS}.gate_up_proj_input_scale`, [4], "F32"),
    ];
    expect(parametersOf(nvfp4)).toBe(4 * 256 * 128);
  });

  it("of the experts of DeepSeek-V4, two to an int8, and of its other weights, one to a byte", () => {
    const tensors = [
      tensor("layers.0.ffn.experts.0.w1.weight", [256, 64], "I8"),
      tensor("layers.0.ffn.experts.0.w1.scale", [256, 4], "F8_E8M0"),
      tensor("layers.0.ffn.shared_experts.w1.weight", [256, 128], "F8_E4M3"),
      tensor("layers.0.ffn.shared_experts.w1.scale", [2, 1], "F8_E8M0"),
    ];
    expect(parametersOf(tensors, { quant_method: "fp8", expert_dtype: "fp4" })).toBe(2 * 256 * 128);
  });

  // openai/gpt-oss, gpt_oss/torch/weights.py: `mlp1_weight` has `.blocks` and `.scales`, which later copies join by `_`.
  it("of gpt-oss as first published", () => {
    const blocks = [
      tensor("block.0.mlp.mlp1_weight.blocks", [4, 256, 8, 16], "U8"),
      tensor("block.0.mlp.mlp1_weight.scales", [4, 256, 8], "U8"),
    ];
    expect(parametersOf(blocks)).toBe(4 * 256 * 8 * 32);
  });

  // torchao 0.18.0, workflows/int4/int4_tensor.py: scales are [K/group_size, N].
  it("of int4 of torchao", () => {
    const int4 = (dtype: string, columns: number): Table => [
      tensor(`${PATH}._weight_qdata`, [256, columns], dtype),
      tensor(`${PATH}._weight_scale`, [6, 256]),
      tensor(`${PATH}._weight_zero_point`, [6, 256]),
    ];
    expect(parametersOf(int4("U8", 192))).toBe(256 * 384);
    expect(parametersOf(int4("I8", 192))).toBe(256 * 384);
    expect(parametersOf(int4("I32", 48))).toBe(256 * 384);
  });

  // transformers 5.23.0, integrations/eetq.py.
  it("of int8 of EETQ", () => {
    const eetq = [tensor(`${PATH}.weight`, [384, 256], "I8"), tensor(`${PATH}.weight_scales`, [256], "F16")];
    expect(parametersOf(eetq, { quant_method: "eetq" })).toBe(384 * 256);
  });

  it("of words of compressed-tensors, by the one setting of the configuration that fits them", () => {
    const group = (num_bits: number, group_size: number | null, type = "int"): object => ({
      weights: { num_bits, group_size, type },
    });
    const packed = (words: number, scales: number): Table => [
      tensor(`${PATH}.weight_packed`, [256, words], "I32"),
      tensor(`${PATH}.weight_scale`, [256, scales]),
    ];
    const config_groups = { a: group(4, 128), b: group(3, 64), c: group(8, null), d: group(8, null, "float") };
    expect(parametersOf(packed(48, 3), { config_groups })).toBe(256 * 384);
    expect(parametersOf(packed(36, 6), { config_groups })).toBe(256 * 384);
    expect(parametersOf(packed(39, 6), { config_groups })).toBe(256 * 384);
    expect(parametersOf(packed(96, 1), { config_groups })).toBe(256 * 384);
    expect(isUndecoded(packed(96, 1), { config_groups: { c: group(8, null), e: group(4, null) } })).toBe(true);
    expect(isUndecoded(packed(48, 3))).toBe(true);
  });

  it("of MLX's floats without a configuration, by words per scale", () => {
    const packed = (words: number, scales: number): Table => [
      tensor(`${PATH}.weight`, [256, words], "U32"),
      tensor(`${PATH}.scales`, [256, scales], "U8"),
    ];
    expect(parametersOf(packed(48, 12))).toBe(256 * 384);
    expect(parametersOf(packed(48, 24))).toBe(256 * 384);
    expect(parametersOf(packed(96, 12))).toBe(256 * 384);
  });
});

describe("weights whose count no header tells are said to be undecoded", () => {
  it.each<[title: string, tensors: Table]>([
    [
      "sparse-bitmask",
      [tensor(`${PATH}.weight.compressed`, [900], "F16"), tensor(`${PATH}.weight.bitmask`, [256, 48], "U8")],
    ],
    ["marlin-24", [tensor(`${PATH}.weight_packed`, [12, 512], "I32"), tensor(`${PATH}.scale_packed`, [3, 256], "F16")]],
    ["AQLM", [tensor(`${PATH}.codes`, [256, 48, 1], "I16"), tensor(`${PATH}.codebooks`, [1, 65536, 1, 8], "F16")]],
    ["EXL3", [tensor(`${PATH}.trellis`, [24, 16, 64], "I16"), tensor(`${PATH}.suh`, [384], "F16")]],
    ["quanto", [tensor(`${PATH}.weight._data`, [256, 192], "U8"), tensor(`${PATH}.weight._scale`, [256, 1])]],
    ["an unknown byte packing", [tensor(`${PATH}.weight`, [256, 100], "U8"), tensor(`${PATH}.weight_scale`, [256, 1])]],
    ["HQQ in floats", [tensor(`${PATH}.W_q`, [768, 32], "F16"), tensor(`${PATH}.scale`, [1536, 1], "F16")]],
    [
      "torchao tiles",
      [tensor(`${PATH}._weight_qdata`, [32, 3, 32, 4], "I32"), tensor(`${PATH}._weight_scale_and_zero`, [6, 256, 2])],
    ],
  ])("%s", (_title, tensors) => {
    expect(isUndecoded(tensors)).toBe(true);
  });
});
