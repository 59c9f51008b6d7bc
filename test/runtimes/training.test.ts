import { describe, expect, test } from "vitest";
import type { ModelTensor } from "../../src/model/model.ts";
import { estimateMemory } from "../../src/runtimes/estimate-memory.ts";
import { nf4Bytes } from "../../src/runtimes/training/weight-bytes.ts";
import type { TrainingWorkload } from "../../src/runtimes/training/workload.ts";
import { zeroStates } from "../../src/runtimes/training/zero.ts";
import { attention, layer, model, tensor } from "../support/model.ts";

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

const matrix = (name: string, rows: number, columns: number, changes: Partial<ModelTensor> = {}): ModelTensor =>
  tensor(name, {
    dtype: "F32",
    shape: [rows, columns],
    elements: rows * columns,
    parameters: rows * columns,
    bytes: 4 * rows * columns,
    ...changes,
  });

/** Llama of two layers, hidden size 512. */
function llama(): ReturnType<typeof model> {
  const tensors = [
    matrix("model.embed_tokens.weight", 1000, 512, { component: "embedding" }),
    ...[0, 1].flatMap((index) => {
      const of = (name: string, rows: number, columns: number) =>
        matrix(`model.layers.${index}.${name}.weight`, rows, columns, { layer: index });
      return [
        of("self_attn.q_proj", 512, 512),
        of("self_attn.k_proj", 128, 512),
        of("self_attn.v_proj", 128, 512),
        of("self_attn.o_proj", 512, 512),
        of("mlp.gate_proj", 1024, 512),
        of("mlp.up_proj", 1024, 512),
        of("mlp.down_proj", 512, 1024),
      ];
    }),
    matrix("lm_head.weight", 1000, 512, { component: "output" }),
  ];
  return model({ format: "safetensors", tensors });
}

const estimate = (workload: Omit<TrainingWorkload, "runtime"> = {}, of: ReturnType<typeof model> = llama()) =>
  estimateMemory(of, { runtime: "training", sequenceTokens: 128, ...workload });

const elements = llama().tensors.reduce((sum, { parameters }) => sum + parameters, 0);

describe("what outlives a step", () => {
  test("is 16 bytes of a parameter in float32 with AdamW, and as much in mixed precision", () => {
    for (const precision of ["float32", "bf16-mixed"] as const) {
      const { weights, gradients, optimizer } = estimate({ precision }).totals;
      const steps = 4 * llama().tensors.length;
      expect([weights, gradients, optimizer]).toEqual([4 * elements, 4 * elements, 8 * elements + steps]);
    }
  });

  test("is of the model's type throughout in bfloat16, and nothing with plain SGD", () => {
    const { weights, gradients, optimizer } = estimate({ precision: "bfloat16", optimizer: "sgd" }).totals;
    expect([weights, gradients, optimizer]).toEqual([2 * elements, 2 * elements, 0]);
  });

  test("is of adapters alone with LoRA: rank x (in + out) of what peft adapts in a llama, in float32", () => {
    const adapters = 2 * 16 * (512 + 512 + (512 + 128));
    const { weights, gradients } = estimate({ method: "lora", loraRank: 16 }).totals;
    expect([weights, gradients]).toEqual([2 * elements + 4 * adapters, 4 * adapters]);
    expect(estimate({ method: "lora" }).workload).toMatchObject({ loraRank: 8, loraTargets: ["q_proj", "v_proj"] });
  });

  test("has 4.127 bits of a packed weight where scales are packed too (QLoRA, arXiv:2305.14314), 4.5 where not", () => {
    const large = 2 ** 30;
    expect((8 * nf4Bytes(large, true)) / large).toBeCloseTo(4.127, 3);
    expect((8 * nf4Bytes(large, false)) / large).toBeCloseTo(4.5, 3);
  });
});

describe("a step", () => {
  test("takes less with layers run again, and more with gradients held from micro-batch to micro-batch", () => {
    const bytes = (workload: Omit<TrainingWorkload, "runtime">) =>
      estimate({ microBatch: 8, ...workload }).totals.compute ?? 0;
    expect(bytes({ checkpointing: true })).toBeLessThan(bytes({}));
    expect(bytes({ gradientAccumulation: 2 })).toBeGreaterThan(bytes({}));
    expect(bytes({ attention: "eager" })).toBeGreaterThan(bytes({ attention: "flash" }));
  });

  test("grows with sequences and tokens alike without scores", () => {
    const [by, more] = [{ microBatch: 4 }, { sequenceTokens: 512 }].map(
      (workload) => estimate(workload).totals.compute ?? 0,
    );
    expect(Math.abs((by ?? 0) / (more ?? 1) - 1)).toBeLessThan(0.02);
  });

  test("is an estimate with a range that cites its source", () => {
    const items = estimate().items.filter(({ component }) => component === "compute");
    expect(items).toHaveLength(1);
    for (const item of items) {
      expect(item.certainty).toBe("estimate");
      expect([item.low ?? 0, item.bytes, item.high ?? 0]).toEqual(
        [item.low ?? 0, item.bytes, item.high ?? 0].sort((a, b) => a - b),
      );
      expect(item.source).toContain("torch 2.15.0");
    }
  });

  test("of another family than those read has a wider range", () => {
    const spread = (architecture: string) => {
      const { low, high } = estimate({}, { ...llama(), architecture }).totals;
      return (high ?? 0) - low;
    };
    expect(spread("unheard-of")).toBeGreaterThan(4 * spread("llama"));
  });

  test("on several GPUs holds gradients twice without ZeRO, in the buckets they are averaged in", () => {
    const { items, devices } = estimate({ gpus: 2 });
    expect(devices.map(({ name }) => name)).toEqual(["GPU0", "GPU1"]);
    const bucket = items.find(({ label, device }) => label.includes("buckets") && device === "GPU1");
    expect(bucket?.bytes).toBe(4 * elements);
  });
});

describe("published numbers of T5-3B on 8 GPUs (DeepSpeed, docs/code-docs/source/memory.rst)", () => {
  const t5 = {
    parameters: 2851e6,
    trained: 2851e6,
    largestModule: 32e6,
    elementBytes: 2,
    optimizer: "adamw",
    gpus: 8,
  } as const;
  const gib = (stage: 1 | 2 | 3, offload: "none" | "optimizer" | "all"): string => {
    const { weights, gradients, optimizer } = zeroStates({ ...t5, stage, offload });
    return ((weights + gradients + optimizer) / GIB).toFixed(2);
  };

  test("ZeRO-3: 6.09, 0.78 with the optimizer on the host, 0.12 with all", () => {
    expect([gib(3, "none"), gib(3, "optimizer"), gib(3, "all")]).toEqual(["6.09", "0.78", "0.12"]);
  });

  test("ZeRO-2 with the optimizer on the host: 5.31", () => {
    expect(gib(2, "optimizer")).toBe("5.31");
  });

  test("15.93 are whole 16-bit gradients beside shared states, as stage 1 has them; stage 2 shares them since", () => {
    expect([gib(1, "none"), gib(2, "none")]).toEqual(["15.93", "11.28"]);
  });
});

test("BERT-large in float32, 4 x 512 tokens on a V100: 1288 MiB of weights, 14,949 MiB in all (transformers, docs/source/en/model_memory_anatomy.md)", () => {
  const block = (index: number) => {
    const of = (name: string, rows: number, columns: number) => [
      matrix(`bert.encoder.layer.${index}.${name}.weight`, rows, columns, { layer: index }),
      matrix(`bert.encoder.layer.${index}.${name}.bias`, 1, rows, { layer: index }),
    ];
    return ["query", "key", "value"]
      .flatMap((name) => of(`attention.self.${name}`, 1024, 1024))
      .concat(
        of("attention.output.dense", 1024, 1024),
        of("intermediate.dense", 4096, 1024),
        of("output.dense", 1024, 4096),
      )
      .concat(of("attention.output.LayerNorm", 1024, 1), of("output.LayerNorm", 1024, 1));
  };
  const bert = model({
    format: "safetensors",
    architecture: "bert",
    causal: false,
    hiddenSize: 1024,
    vocabularySize: 30_522,
    attentionHeads: 16,
    layers: Array.from({ length: 24 }, (_, index) =>
      layer(index, attention({ heads: 16, kvHeads: 16, causal: false })),
    ),
    tensors: [
      matrix("bert.embeddings.word_embeddings.weight", 30_522, 1024, { component: "embedding" }),
      matrix("bert.embeddings.position_embeddings.weight", 512, 1024, { component: "embedding" }),
      ...Array.from({ length: 24 }, (_, index) => block(index)).flat(),
      matrix("bert.pooler.dense.weight", 1024, 1024, { component: "other" }),
    ],
  });
  const workload = { precision: "float32", attention: "eager", microBatch: 4, sequenceTokens: 512 } as const;
  const { totals } = estimate({ ...workload, devices: [{ name: "GPU0", kind: "cuda" }] }, bert);
  expect(Math.abs(totals.weights / (1288 * MIB) - 1)).toBeLessThan(0.01);
  expect(totals.low).toBeLessThan(14_949 * MIB);
  expect(totals.high).toBeGreaterThan(14_949 * MIB);
});

describe("a workload that cannot be", () => {
  test.each([
    [{ loraRank: 0 }, "invalid-option", "loraRank must be a positive integer"],
    [{ precision: "int8" }, "invalid-option", "precision must be one of"],
    [{ loraTargets: ["q_proj", ""] }, "invalid-option", "loraTargets must be"],
    [{ method: "qlora", sharding: "zero3", gpus: 2 }, "unsupported-option", "not shared out by ZeRO"],
    [{ contextTokens: 64 }, "unsupported-option", "contextTokens 64 and sequenceTokens 128 are one"],
    [{ offload: "optimizer" }, "unsupported-option", "choose zero2 or zero3"],
    [{ sharding: "zero2", offload: "all" }, "unsupported-option", "choose zero3"],
  ] as const)("%j: %s", (workload, code, message) => {
    const ask = () => estimate(workload as Omit<TrainingWorkload, "runtime">);
    expect(ask).toThrow(message);
    expect(ask).toThrow(expect.objectContaining({ code }));
  });

  test("trains no weights that are packed already, and adapts them where their shapes are in the file", () => {
    const packed = (method: string) => ({ ...llama(), quantization: { method, bitsPerWeight: 4.2 } });
    expect(() => estimate({}, packed("fp8"))).toThrow("choose method lora");
    expect(() => estimate({ method: "lora" }, packed("gptq"))).toThrow("with method qlora");
    expect(estimate({ method: "lora" }, packed("fp8")).totals.gradients).toBeGreaterThan(0);
  });

  test("adapts no module", () => {
    const ask = () => estimate({ method: "lora", loraTargets: ["c_attn"] });
    expect(ask).toThrow('no linear module of the model is named by loraTargets ["c_attn"]');
  });
});
