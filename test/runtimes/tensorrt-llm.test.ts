import { describe, expect, test } from "vitest";
import { isInspectError } from "../../src/errors.ts";
import type { LatentMixer, Mixer, RecurrentMixer } from "../../src/model/mixer.ts";
import type { Model, ModelTensor } from "../../src/model/model.ts";
import { estimateMemory } from "../../src/runtimes/estimate-memory.ts";
import { fitDevices } from "../../src/runtimes/fit.ts";
import type { TensorrtLlmWorkload } from "../../src/runtimes/tensorrt-llm/workload.ts";
import { attention, layer, model, tensor } from "../support/model.ts";

const GIB = 1024 ** 3;
const BF16_BYTES = 2;

const made = (changes: Partial<Model> = {}): Model =>
  model({ format: "safetensors", tensors: [tensor("w", { dtype: "BF16" })], ...changes });
const of = (mixers: readonly Mixer[], changes: Partial<Model> = {}): Model =>
  made({ layers: mixers.map((mixer, index) => layer(index, mixer)), ...changes });
const estimate = (subject: Model, workload: Omit<TensorrtLlmWorkload, "runtime"> = {}) =>
  estimateMemory(subject, { runtime: "tensorrt-llm", ...workload });
const gpu = (gib: number) => ({ name: "GPU0", kind: "cuda", memoryBytes: gib * GIB }) as const;
const refusal = (subject: Model, workload: Omit<TensorrtLlmWorkload, "runtime">): string => {
  try {
    estimate(subject, workload);
  } catch (error) {
    if (isInspectError(error)) return `${error.code}: ${error.message}`;
  }
  return "";
};

const LATENT: LatentMixer = {
  kind: "latent",
  heads: 8,
  kvLoraRank: 512,
  ropeDim: 64,
  nopeDim: 128,
  valueDim: 128,
  window: { kind: "none" },
  upProjection: "joint",
};
const DELTA: RecurrentMixer = {
  kind: "recurrent",
  family: "gated-delta-net",
  state: [
    { name: "convolution", shape: [2 * 4 * 16 + 8 * 32, 3] },
    { name: "linear", shape: [8, 16, 32] },
  ],
  convolutionKernel: 4,
};
const SLIDING = attention({ window: { kind: "sliding", tokens: 512 } });

describe("the cache of TensorRT-LLM", () => {
  test("holds whole blocks of every request where no device is known", () => {
    const { totals, capacity, cachePerSequence } = estimate(made(), { contextTokens: 33, sequences: 3 });
    expect(totals.cache).toBe(3 * 64 * 2 * 2 * 2 * 64 * BF16_BYTES);
    expect(cachePerSequence).toBe((totals.cache ?? 0) / 3);
    expect(capacity).toBeUndefined();
  });

  test("is as long as the context in layers with a window too, unless windows are given", () => {
    const hybrid = of([SLIDING, attention()]);
    const tokens = 2 * 2 * 64 * BF16_BYTES;
    const whole = estimate(hybrid, { contextTokens: 4096 });
    expect(whole.totals.cache).toBe(2 * 4096 * tokens);
    expect(whole.diagnostics.map(({ message }) => message).join()).toContain("1 layers attend to a window");
    const cut = estimate(hybrid, { contextTokens: 4096, maxAttentionWindow: [512, 4096] });
    expect(cut.totals.cache).toBe((512 + 32 + 4096) * tokens);
    expect(cut.diagnostics).toEqual([]);
  });

  test("repeats a head where GPUs are more than heads, and the latents on all", () => {
    const wide = made({ layers: [layer(0, attention({ heads: 8, kvHeads: 2 }))] });
    const perToken = (subject: Model, workload = {}) => estimate(subject, workload).cachePerToken;
    expect(perToken(wide, { tensorParallel: 8 })).toBe(4 * (perToken(wide) ?? 0));
    expect(perToken(of([LATENT]), { tensorParallel: 8 })).toBe(8 * 576 * BF16_BYTES);
  });

  test("lies on one GPU of each stage for each request with attention data parallelism", () => {
    const split = { tensorParallel: 4, attentionDp: true, contextTokens: 32 } as const;
    const one = estimate(made(), { contextTokens: 32 });
    const spread = estimate(made(), { ...split, sequences: 4 });
    expect(spread.cachePerToken).toBe(one.cachePerToken);
    expect(spread.totals.cache).toBe(4 * (one.totals.cache ?? 0));
  });

  test.each([
    [{ kv_cache_scheme: { num_bits: 8, type: "float" } }, 1],
    [{ kv_cache_quant_algo: "NVFP4" }, 0.5 + 1 / 16],
    [{}, BF16_BYTES],
  ])("has the type the checkpoint asks for: %j", (quantization, elementBytes) => {
    const subject = made({ metadata: { quantization_config: quantization } });
    expect(estimate(subject).cachePerToken).toBe(2 * 2 * 2 * 64 * elementBytes);
  });

  test("holds a state for each request that runs at once, of which a pool has as many as max_batch_size", () => {
    const hybrid = of([DELTA, attention()]);
    const state = (384 * 3 + 8 * 16 * 32) * BF16_BYTES;
    const states = (workload: Omit<TensorrtLlmWorkload, "runtime">) =>
      estimate(hybrid, workload).items.find(({ label }) => label.startsWith("recurrent"))?.bytes;
    expect(states({ sequences: 3 })).toBe(3 * state);
    expect(states({ sequences: 3, maxBatchSize: 64, devices: [gpu(24)] })).toBe(64 * state);
  });

  test.each([
    ["of a short convolution", of([{ ...DELTA, family: "short-convolution", state: DELTA.state.slice(0, 1) }])],
    ["beside a recurrence", of([{ kind: "parallel", attention: attention(), recurrent: DELTA }])],
    ["over images", of([{ kind: "cross", heads: 8, kvHeads: 2, keyDim: 64, valueDim: 64, encoderTokens: null }])],
    ["with an indexer of its own", of([attention({ indexer: { heads: 4, keyDim: 64 } })])],
  ])("is not known %s", (_what, subject) => {
    const { totals, diagnostics } = estimate(subject);
    expect(totals.cache).toBeNull();
    expect(diagnostics.map(({ code }) => code)).toContain("unknown-cache");
  });
});

describe("the pool of TensorRT-LLM", () => {
  test("is a share of what weights, activations and the runtime leave", () => {
    const { devices, capacity } = estimate(made(), { devices: [gpu(24)], freeGpuMemoryFraction: 0.5 });
    const [use] = devices;
    const beside = (use?.weights ?? 0) + (use?.compute ?? 0) + (use?.overhead ?? 0);
    const budget = (24 * GIB - beside) / 2;
    expect(use?.cache).toBeLessThanOrEqual(budget);
    expect(use?.cache).toBeGreaterThan(budget - 32 * 1024);
    expect(capacity).toMatchObject({ poolBytes: use?.cache, certainty: "estimate" });
    expect(capacity?.low).toBeLessThan(capacity?.concurrency ?? 0);
    expect(capacity?.high).toBeGreaterThan(capacity?.concurrency ?? 0);
  });

  test("never fills a device beyond its memory, and fits while it holds the sequences", () => {
    const devices = [gpu(24)];
    const served = estimate(made(), { devices, sequences: 4 });
    expect(served.devices[0]?.high).toBeLessThanOrEqual(24 * GIB);
    expect(fitDevices(served, devices)[0]?.verdict).toBe("fits");
    const many = estimate(made(), { devices, sequences: 10_000_000 });
    expect(fitDevices(many, devices)[0]?.verdict).toBe("too-large");
  });

  test("is derived where its tokens or bytes are given", () => {
    const tokens = estimate(made(), { maxTokens: 1000 });
    expect(tokens.capacity).toMatchObject({ blocks: 31, tokens: 992, certainty: "derived" });
    const both = estimate(made(), { maxTokens: 1000, devices: [gpu(24)] });
    expect(both.capacity).toEqual(tokens.capacity);
    expect(both.items.find(({ component }) => component === "cache")?.certainty).toBe("derived");
  });

  test("of windows that it holds no request of is less than one, and the engine cuts them", () => {
    const windows = { contextTokens: 4096, maxAttentionWindow: [512, 4096] } as const;
    const hybrid = of([SLIDING, attention()]);
    const needed = (512 + 4096) * 2 * 2 * 64 * BF16_BYTES;
    const half = estimate(hybrid, { ...windows, availableCacheBytes: needed / 2 });
    // 2,304 tokens of one layer: the long window is cut to more than the short one, and each has half of them.
    expect(half.capacity).toMatchObject({ blocks: 2 * 36, concurrency: 36 / 128, tokens: 36 * 32 });
    expect(half.diagnostics.map(({ message }) => message).join()).toContain("max_seq_len cut.");
    const twice = estimate(hybrid, { ...windows, availableCacheBytes: 2 * needed });
    // Equal parts: what the short windows leave of theirs is not the long ones'.
    expect(twice.capacity?.concurrency).toBe(Math.floor((512 + 4096) / 32) / (4096 / 32));
    expect(twice.diagnostics).toEqual([]);
  });

  test("has the blocks of the stage with the least room", () => {
    const devices = [gpu(24), { ...gpu(8), name: "GPU1" }];
    const small = estimate(made(), { devices: [gpu(8)] }).capacity?.tokens ?? 0;
    const staged = estimate(made(), { devices, pipelineParallel: 2 }).capacity?.tokens ?? 0;
    // Half the layers on the small one, less what the ranks need to speak.
    expect(staged).toBeGreaterThan(small);
    expect(staged).toBeLessThan(2 * small);
  });

  test("holds nothing where the weights do not fit", () => {
    const { capacity, totals } = estimate(made(), { devices: [{ ...gpu(1), memoryBytes: 1024 ** 2 }] });
    expect(capacity).toMatchObject({ blocks: 0, concurrency: 0 });
    expect(totals.cache).toBe(0);
  });
});

describe("the weights of TensorRT-LLM", () => {
  const matrix = (name: string, changes: Partial<ModelTensor> = {}): ModelTensor =>
    tensor(name, { dtype: "BF16", ...(name.includes("layers") && { layer: 0 }), ...changes });
  const share = (name: string, changes: Partial<ModelTensor> = {}, workload = {}) => {
    const subject = of([attention({ heads: 8, kvHeads: 2 }), attention()], { tensors: [matrix(name, changes)] });
    const whole = estimate(subject).totals.weights;
    return (estimate(subject, { tensorParallel: 4, ...workload }).devices[0]?.weights ?? 0) / whole;
  };

  test.each([
    ["model.layers.0.self_attn.q_proj.weight", 1 / 4],
    ["model.layers.0.self_attn.k_proj.weight", 1 / 2],
    ["model.layers.0.self_attn.v_proj.qweight", 1 / 2],
    ["model.layers.0.self_attn.o_proj.weight", 1 / 4],
    ["model.layers.0.self_attn.o_proj.bias", 1],
    ["model.layers.0.self_attn.qkv_proj.weight", (2 + 2) / (8 + 4)],
    ["model.layers.0.self_attn.kv_a_proj_with_mqa.weight", 1],
    ["model.layers.0.self_attn.kv_b_proj.weight", 1 / 4],
    ["model.layers.0.self_attn.indexer.wq_b.weight", 1],
    ["model.layers.0.mlp.down_proj.weight", 1 / 4],
    ["model.layers.0.mlp.gate.weight", 1],
  ])("lie on one of four GPUs: %s", (name, expected) => {
    expect(share(name)).toBeCloseTo(expected, 5);
  });

  test("pad the vocabulary to as many rows on each GPU", () => {
    const embedding = {
      component: "embedding",
      shape: [510, 512],
      elements: 510 * 512,
      parameters: 510 * 512,
    } as const;
    expect(share("model.embed_tokens.weight", embedding)).toBe(128 / 510);
  });

  test("are all on every GPU but for experts, with attention data parallelism", () => {
    expect(share("model.layers.0.mlp.up_proj.weight", {}, { attentionDp: true })).toBe(1);
    expect(share("model.layers.0.mlp.experts.0.up_proj.weight", { component: "experts" }, { attentionDp: true })).toBe(
      1 / 4,
    );
  });

  test("lie on the stages of their layers, a tied embedding on the first and the last", () => {
    const tensors = [
      matrix("model.embed_tokens.weight", { component: "embedding" }),
      matrix("model.layers.0.mlp.norm.weight", { component: "norm" }),
      matrix("model.layers.2.mlp.norm.weight", { component: "norm", layer: 2 }),
      matrix("model.norm.weight", { component: "norm" }),
      matrix("lm_head.weight", { component: "output" }),
    ];
    const stages = (tiedEmbeddings: boolean) =>
      estimate(of([attention(), attention(), attention()], { tensors, tiedEmbeddings }), {
        pipelineParallel: 3,
      }).devices.map(({ weights }) => weights / tensor("w").bytes);
    expect(stages(false)).toEqual([2, 0, 3]);
    expect(stages(true)).toEqual([2, 0, 3]);
  });

  test("leave out blocks that predict further tokens and tables, and keep what runs in float32", () => {
    const tensors = [
      matrix("model.layers.0.mlp.gate.e_score_correction_bias", { dtype: "F32", bytes: 4 * 262_144 }),
      matrix("model.layers.2.mlp.up_proj.weight", { component: "mtp" }),
      matrix("model.layers.0.self_attn.rotary_emb.inv_freq"),
    ];
    expect(estimate(made({ tensors })).totals.weights).toBe(4 * 262_144);
  });

  test("hold the keys' half of latent attention a second time, in FP8 with its scales where it is stored so", () => {
    const half = 8 * 512 * 128;
    const kv = matrix("model.layers.0.self_attn.kv_b_proj.weight");
    const plain = of([LATENT], { tensors: [kv] });
    expect(estimate(plain).totals.weights).toBe(kv.bytes + 2 * half);
    const fp8 = { ...kv, dtype: "F8_E4M3" };
    const quantization = { method: "fp8", bitsPerWeight: 8 };
    const packed = of([LATENT], { tensors: [fp8], quantization });
    expect(estimate(packed).totals.weights).toBe(kv.bytes + half + (half / 128 / 128) * 4);
  });
});

describe("TensorRT-LLM refuses", () => {
  const encoder = made({ encoder: { layerCount: 2, weightBytes: 0 }, architecture: "t5" });

  test.each([
    ["a model with an encoder", encoder, {}, "unsupported-runtime: "],
    ["heads that do not divide", made(), { tensorParallel: 3 }, "8 heads do not divide by 3"],
    [
      "key-value heads that do not either",
      of([attention({ heads: 12, kvHeads: 3 })]),
      { tensorParallel: 2 },
      "3 key-value",
    ],
    ["more stages than layers", made(), { pipelineParallel: 3 }, "3 stages are more than the model's 2 layers"],
    ["experts over more GPUs than there are", made(), { expertParallel: 2 }, "2 must divide the 1 GPUs"],
    ["beams with a recurrence", of([DELTA]), { maxBeamWidth: 2 }, "a recurrence takes no beam search"],
    ["other devices", made(), { devices: [{ name: "CPU", kind: "cpu" }] }, "CPU is cpu"],
    ["all of the memory", made(), { freeGpuMemoryFraction: 1 }, "a number above 0 and below 1, got 1"],
    ["no window", made(), { maxAttentionWindow: [] }, "a list, each entry a positive integer"],
  ] as const)("%s", (_what, subject, workload, message) => {
    expect(refusal(subject, workload)).toContain(message);
  });

  test("nothing of a model it does not list, but says so", () => {
    const unlisted = made({ metadata: { architectures: ["Gemma2ForCausalLM"] } });
    expect(estimate(unlisted).diagnostics.map(({ where }) => where)).toEqual(["architectures"]);
    const listed = made({ metadata: { architectures: ["LlamaForCausalLM"] } });
    expect(estimate(listed).diagnostics).toEqual([]);
  });
});

test("no figure of TensorRT-LLM is called exact: no run was compared", () => {
  const { items } = estimate(of([DELTA, attention(), LATENT]), { tensorParallel: 2, devices: [gpu(80)] });
  expect(items.length).toBeGreaterThan(8);
  expect(items.filter(({ certainty }) => certainty === "exact")).toEqual([]);
});
