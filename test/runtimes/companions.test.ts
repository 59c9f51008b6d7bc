import { describe, expect, test } from "vitest";
import { isInspectError } from "../../src/errors.ts";
import { estimateMemory } from "../../src/runtimes/estimate-memory.ts";
import type { LlamaCppWorkload } from "../../src/runtimes/llama-cpp/workload.ts";
import { attention, layer, model, tensor } from "../support/model.ts";

const estimate = (made: ReturnType<typeof model>, workload: Omit<LlamaCppWorkload, "runtime"> = {}) =>
  estimateMemory(made, { runtime: "llama.cpp", contextTokens: 4096, ...workload });

type Made = ReturnType<typeof estimate>;
const named = ({ items }: Made, start: string) => items.filter(({ label }) => label.startsWith(start));
const bytesOf = (made: Made, start: string, component: string): number =>
  named(made, start)
    .filter((item) => item.component === component)
    .reduce((sum, { bytes }) => sum + bytes, 0);

const refusal = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (isInspectError(error, "unsupported-option") || isInspectError(error, "invalid-option")) return error.message;
    throw error;
  }
  return "";
};

const CELL_BYTES = 2 * (2 * 64) * 2;
const GPUS = [0, 1].map((index) => ({ name: `GPU${index}`, kind: "cuda", memoryBytes: 2 ** 30 }) as const);

const projector = model({
  source: { kind: "custom", id: "mmproj.gguf", files: [], requests: 0, bytesRead: 0 },
  architecture: "clip",
  layers: [],
  tensors: [
    tensor("v.patch_embd.weight"),
    tensor("v.blk.0.attn_q.weight"),
    tensor("v.blk.1.attn_q.weight"),
    tensor("v.blk.0.attn_q.input_max", { bytes: 4, dtype: "F32", shape: [1] }),
    tensor("mm.0.weight", { bytes: 100, shape: [50] }),
    tensor("a.conv1d.1.weight"),
    tensor("mm.a.mlp.1.weight"),
  ],
  metadata: {
    "clip.has_vision_encoder": true,
    "clip.has_audio_encoder": true,
    "clip.vision.projector_type": "gemma3",
    "clip.audio.projector_type": "ultravox",
    "clip.vision.block_count": 1,
    "clip.audio.block_count": 1,
    "clip.vision.image_size": 224,
    "clip.vision.patch_size": 14,
    "clip.vision.embedding_length": 512,
    "clip.vision.feed_forward_length": 1024,
    "clip.vision.attention.head_count": 8,
    "clip.audio.num_mel_bins": 128,
  },
});

describe("a projector beside a model", () => {
  test("has its weights as lines of their own, by encoder, without blocks and numbers that are not loaded", () => {
    const made = estimate(model(), { projector });
    const [vision, audio] = named(made, "projector weights");
    expect(vision).toMatchObject({ label: "projector weights, vision", device: "CPU", certainty: "exact" });
    expect(vision?.bytes).toBe(2 * 524_288 + 128);
    // The patch embedding is asked for by both encoders.
    expect(audio).toMatchObject({ label: "projector weights, audio", bytes: 3 * 524_288 });
    expect(made.totals.weights).toBe(estimate(model()).totals.weights + 5 * 524_288 + 128);
  });

  test("lies on the first GPU whatever the layers do, or on the host", () => {
    const devices = (workload: Omit<LlamaCppWorkload, "runtime">) =>
      named(estimate(model(), { projector, devices: GPUS, ...workload }), "projector weights").map(
        ({ device }) => device,
      );
    expect(devices({})).toEqual(["GPU0", "GPU0"]);
    expect(devices({ gpuLayers: 0 })).toEqual(["GPU0", "GPU0"]);
    expect(devices({ splitMode: "none", mainGpu: 1 })).toEqual(["GPU0", "GPU0"]);
    expect(devices({ projectorOffload: false })).toEqual(["CPU", "CPU"]);
  });

  test("has a compute buffer with bounds, and scores of attention in it without flash attention", () => {
    const [flash] = named(estimate(model(), { projector }), "projector compute buffer, vision");
    const [plain] = named(estimate(model(), { projector, flashAttention: "off" }), "projector compute buffer, vision");
    expect(flash?.label).toBe("projector compute buffer, vision, warm-up image of 224 x 224");
    expect(flash?.low).toBeLessThan(flash?.bytes ?? 0);
    expect(flash?.high).toBeGreaterThan(flash?.bytes ?? 0);
    // 256 patches attend to each other in 8 heads.
    expect(plain?.bytes).toBe(4 * (256 * 256 * 8 + 256 * 6 * 512));
  });

  test("is derived where the engine was not asked about its type", () => {
    const metadata = { ...projector.metadata, "clip.vision.projector_type": "yasa2" };
    const [vision] = named(estimate(model(), { projector: { ...projector, metadata } }), "projector weights, vision");
    expect(vision?.certainty).toBe("derived");
  });

  test("leaves its audio encoder out beside a vision encoder that does", () => {
    const metadata = { ...projector.metadata, "clip.vision.projector_type": "gemma3nv" };
    const made = estimate(model(), { projector: { ...projector, metadata } });
    expect(named(made, "projector weights").map(({ label }) => label)).toEqual(["projector weights, vision"]);
    expect(bytesOf(made, "projector weights", "weights")).toBe(2 * 524_288 + 128);
  });

  test("stands in the workload by its name alone", () => {
    const { workload } = estimate(model(), { projector });
    expect(workload["projector"]).toEqual({ source: "mmproj.gguf", architecture: "clip" });
    expect(workload["draft"]).toBeNull();
    expect(JSON.parse(JSON.stringify(workload))).toEqual(workload);
  });

  test("is refused where it is none", () => {
    expect(refusal(() => estimate(model(), { projector: model() }))).toContain('its architecture is "llama"');
    expect(refusal(() => estimate(model(), { projector: {} as never }))).toContain("as inspectModel returns it");
  });
});

describe("a draft beside a model", () => {
  const tensors = [tensor("token_embd.weight"), tensor("blk.0.attn_q.weight"), tensor("output.weight")];
  const draft = model({ layers: [layer(0, attention())], layerCount: 1, tensors });

  test("has weights, cache and output of its own, with its own cache types", () => {
    const made = estimate(model(), { draft, draftCacheTypeK: "q8_0", draftCacheTypeV: "q8_0" });
    expect(bytesOf(made, "draft: ", "weights")).toBe(3 * 524_288);
    expect(bytesOf(made, "draft: ", "cache")).toBe(4096 * ((CELL_BYTES / 64) * 34));
    expect(bytesOf(made, "draft: output buffer", "overhead")).toBe(4 * 1000);
    expect(made.totals.cache).toBe(4096 * 2 * CELL_BYTES + 4096 * ((CELL_BYTES / 64) * 34));
    expect(made.cachePerToken).toBe(2 * CELL_BYTES + (CELL_BYTES / 64) * 34);
  });

  test("holds as many tokens as the model's context turns out to have", () => {
    // 5000 -> 5120 for 3 sequences: 3 x 1792.
    const made = estimate(model(), { draft, contextTokens: 5000, sequences: 3 });
    expect(bytesOf(made, "draft: ", "cache")).toBe(3 * 1792 * CELL_BYTES);
  });

  test("has its own layers on GPUs, and none of the model's rules for tensors", () => {
    const devices = GPUS.slice(0, 1);
    const overrideTensors = [{ pattern: ".", device: "CPU" }];
    const made = estimate(model(), { draft, devices, overrideTensors, draftGpuLayers: 1 });
    expect(named(made, "draft: KV cache")).toMatchObject([{ device: "CPU" }]);
    expect(named(made, "draft: CUDA")).toEqual([]);
    const whole = named(estimate(model(), { draft, devices, overrideTensors }), "draft: weights");
    expect(whole.map(({ device }) => device)).toContain("GPU0");
  });

  test("makes a server put out a row for every drafted token", () => {
    const outputs = (workload: Omit<LlamaCppWorkload, "runtime">) =>
      estimate(model(), { preset: "server", sequences: 2, ...workload }).workload["outputs"];
    expect(outputs({})).toBe(2);
    expect(outputs({ draft })).toBe(8);
    expect(outputs({ draft, draftTokens: 15 })).toBe(32);
  });

  test("is refused where it is a projector", () => {
    expect(refusal(() => estimate(model(), { draft: projector }))).toContain("no model that llama.cpp can draft with");
  });
});

describe("a model that drafts for itself", () => {
  const self = model({
    architecture: "glm4moe",
    layerCount: 2,
    mtpLayerCount: 1,
    layers: [layer(0, attention()), layer(1, attention()), layer(2, attention(), { mtp: true })],
    tensors: [tensor("blk.0.attn_q.weight"), tensor("blk.2.attn_q.weight", { component: "mtp" })],
  });

  test("loads its MTP blocks and caches them in a second context", () => {
    const made = estimate(self, { mtpContext: true });
    expect(made.totals.weights).toBe(2 * 524_288);
    expect(bytesOf(made, "MTP context: ", "cache")).toBe(4096 * CELL_BYTES);
    expect(named(made, "MTP context: KV cache")[0]?.certainty).toBe("exact");
    expect(made.totals.cache).toBe(3 * 4096 * CELL_BYTES);
    expect(made.workload).toMatchObject({ loadMtp: true, rollbackRows: 3, mtpContext: true });
  });

  test("reads the hidden state of every token of a batch", () => {
    const made = estimate(self, { mtpContext: true, batchTokens: 1024, sequences: 2 });
    expect(bytesOf(made, "MTP context: hidden states", "overhead")).toBe(4 * 512 * (1024 + 2));
  });

  test("is refused where there are no such blocks, no graph of them, or a draft as well", () => {
    expect(refusal(() => estimate(model(), { mtpContext: true }))).toContain("has no MTP blocks");
    expect(refusal(() => estimate({ ...self, architecture: "lfm2" }, { mtpContext: true }))).toContain("lfm2");
    expect(refusal(() => estimate(self, { mtpContext: true, draft: model() }))).toContain("mtpContext or draft");
  });
});
