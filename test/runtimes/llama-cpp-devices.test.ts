import { describe, expect, test } from "vitest";
import { isInspectError } from "../../src/errors.ts";
import type { Device } from "../../src/runtimes/device.ts";
import { estimateMemory } from "../../src/runtimes/estimate-memory.ts";
import type { LlamaCppWorkload } from "../../src/runtimes/llama-cpp/workload.ts";
import { attention, layer, model, tensor } from "../support/model.ts";

const MATRIX_BYTES = 65_536;
const LAYERS = 4;
const CELLS = 256;
const CELL_BYTES = 2 * (2 * 64) * 2;

const matrix = (name: string) => tensor(name, { bytes: MATRIX_BYTES, shape: [256, 128], dtype: "F16" });
const blocks = Array.from({ length: LAYERS }, (_, block) => matrix(`blk.${block}.ffn_up.weight`));
const made = model({
  layers: blocks.map((_, block) => layer(block, attention())),
  layerCount: LAYERS,
  tensors: [matrix("token_embd.weight"), matrix("output.weight"), ...blocks],
});

const gpus = (...gigabytes: number[]): Device[] =>
  gigabytes.map((memory, index) => ({ name: `GPU${index}`, kind: "cuda", memoryBytes: memory * 2 ** 30 }));

const estimate = (workload: Omit<LlamaCppWorkload, "runtime">, of = made) =>
  estimateMemory(of, { runtime: "llama.cpp", contextTokens: CELLS, ...workload });

/** Matrices and layers of cache on each device, GPUs first. */
function placed(workload: Omit<LlamaCppWorkload, "runtime">): [matrices: number, layers: number][] {
  return estimate(workload).devices.map(({ weights, cache }) => [
    weights / MATRIX_BYTES,
    (cache ?? Number.NaN) / (CELLS * CELL_BYTES),
  ]);
}

describe("blocks on devices", () => {
  test("go to a GPU from the end, the output layer first", () => {
    expect(placed({ devices: gpus(24) })).toEqual([
      [LAYERS + 1, LAYERS],
      [1, 0],
    ]);
    expect(placed({ devices: gpus(24), gpuLayers: 1 })).toEqual([
      [1, 0],
      [LAYERS + 1, LAYERS],
    ]);
    expect(placed({ devices: gpus(24), gpuLayers: 3 })).toEqual([
      [3, 2],
      [LAYERS - 1, 2],
    ]);
    expect(placed({ devices: gpus(24), gpuLayers: 0 })).toEqual([
      [0, 0],
      [LAYERS + 2, LAYERS],
    ]);
  });

  test("are shared by memory, or as told", () => {
    expect(placed({ devices: gpus(16, 4) })).toEqual([
      [4, 4],
      [1, 0],
      [1, 0],
    ]);
    expect(placed({ devices: gpus(16, 4), tensorSplit: [1, 4] })).toEqual([
      [1, 1],
      [4, 3],
      [1, 0],
    ]);
    expect(placed({ devices: gpus(16, 4), splitMode: "none", mainGpu: 1 })).toEqual([
      [0, 0],
      [LAYERS + 1, LAYERS],
      [1, 0],
    ]);
  });

  test("leave back what is overridden, the first match first", () => {
    expect(placed({ devices: gpus(24), cpuFeedForwardLayers: 3 })[0]).toEqual([2, LAYERS]);
    const overrideTensors = [
      { pattern: "blk\\.0\\.", device: "GPU0" },
      { pattern: "ffn", device: "CPU" },
    ];
    expect(placed({ devices: gpus(24), overrideTensors })[0]).toEqual([2, LAYERS]);
  });

  test("leave the cache on the host when it is not offloaded", () => {
    expect(placed({ devices: gpus(24), offloadCache: false })).toEqual([
      [LAYERS + 1, 0],
      [1, LAYERS],
    ]);
  });

  test("sum to the totals, whatever the devices", () => {
    for (const devices of [gpus(24), gpus(24, 8), gpus(24, 8, 16)]) {
      const { devices: each, totals, items } = estimate({ devices });
      expect(each.reduce((sum, { total }) => sum + (total ?? Number.NaN), 0)).toBe(totals.total);
      expect(items.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(totals.total);
    }
  });
});

describe("a split by tensors", () => {
  const workload = { devices: gpus(8, 8), splitMode: "tensor" } as const;

  test("is an estimate for each GPU, whose bounds hold the whole", () => {
    const { devices, items } = estimate(workload);
    const [first, second] = devices;
    expect((first?.weights ?? 0) + (second?.weights ?? 0)).toBe((LAYERS + 1) * MATRIX_BYTES);
    const onGpus = items.filter(({ device, component }) => device !== "CPU" && component !== "overhead");
    expect(onGpus.length).toBeGreaterThan(3);
    expect(
      onGpus.every(
        ({ certainty, low = 0, high = 0, bytes }) => certainty === "estimate" && low <= bytes && bytes <= high,
      ),
    ).toBe(true);
  });

  test("is refused where the engine refuses it", () => {
    const refused = (run: () => unknown) => {
      try {
        run();
        return undefined;
      } catch (error) {
        return isInspectError(error, "unsupported-option") ? error.message : "another error";
      }
    };
    expect(refused(() => estimate(workload, model({ architecture: "mamba" })))).toMatch(
      /does not split mamba by tensors/,
    );
    expect(refused(() => estimate({ ...workload, flashAttention: "off" }))).toMatch(/only with flash attention/);
    expect(refused(() => estimate({ splitMode: "row", devices: gpus(8, 8) }))).toMatch(/SYCL devices only/);
    expect(refused(() => estimate({ splitMode: "none", mainGpu: 2, devices: gpus(8, 8) }))).toMatch(/mainGpu 2/);
    const onIdle = [{ pattern: "ffn", device: "GPU1" }];
    expect(refused(() => estimate({ splitMode: "none", overrideTensors: onIdle, devices: gpus(8, 8) }))).toMatch(
      /GPU1 is not used with splitMode none/,
    );
    expect(refused(() => estimate({ tensorSplit: [1, 2, 3], devices: gpus(8, 8) }))).toMatch(/3 shares for 2 GPUs/);
    const overrideTensors = [{ pattern: "ffn", device: "CUDA0" }];
    expect(refused(() => estimate({ overrideTensors, devices: gpus(8) }))).toMatch(/no device is named "CUDA0"/);
  });

  test("a pattern that is none is an invalid option", () => {
    const overrideTensors = [{ pattern: "(", device: "CPU" }];
    expect(() => estimate({ overrideTensors })).toThrow(/options.overrideTensors must be a list/);
  });
});

describe("how weights are loaded", () => {
  const file = model({
    layers: [layer(0, attention())],
    layerCount: 1,
    tensors: [
      tensor("token_embd.weight", { bytes: 1000, shape: [256, 8], dtype: "Q4_0", offset: 100 }),
      tensor("blk.0.ffn_up.weight", { bytes: 2000, shape: [256, 16], dtype: "Q4_0", offset: 4000 }),
      tensor("blk.0.ffn_norm.weight", { bytes: 1024, shape: [256], dtype: "F32", offset: 1200 }),
    ],
  });
  const weights = (workload: Omit<LlamaCppWorkload, "runtime">, of = file) =>
    estimate(workload, of)
      .items.filter(({ component }) => component === "weights")
      .map(({ bytes }) => bytes);

  test("mapped, they are the span of the file that holds them", () => {
    expect(weights({ memoryMap: true })).toEqual([4000 + 2000 - 100]);
  });

  test("reordered, matrices of the right types are apart, and a tied output is a copy", () => {
    expect(weights({ repack: "avx2" })).toEqual([1024 + 1024, 2016]);
    const tied = model({ ...file, tiedEmbeddings: true });
    expect(weights({ repack: "avx2" }, tied)).toEqual([1024 + 1024, 2016, 1024]);
    expect(weights({}, tied)).toEqual([1024 + 2016 + 1024]);
  });

  test("mapped and reordered, both are counted", () => {
    expect(weights({ memoryMap: true, repack: "neon" })).toEqual([1000 + 1200 + 1024 - 1100, 2016]);
  });

  test("beside a CUDA device nothing is reordered, unless its memory is not used", () => {
    expect(weights({ repack: "avx2", devices: gpus(8), gpuLayers: 0 })).toEqual([1024 + 2016 + 1024]);
    expect(weights({ repack: "avx2", devices: gpus(8), gpuLayers: 0, pinnedHost: false })).toEqual([2048, 2016]);
  });
});

describe("a table that is read from the file row by row", () => {
  const bytes = 5 * 2 ** 30;
  const table = tensor("per_layer_token_embd.weight", { bytes, shape: [256, 128], dtype: "F16" });
  const of = model({ layers: made.layers, layerCount: LAYERS, tensors: [...made.tensors, table] });

  test("stays with the host, whatever an override says", () => {
    const overrideTensors = [{ pattern: "token_embd", device: "GPU0" }];
    const weights = estimate({ devices: gpus(8), overrideTensors }, of).devices.map((device) => device.weights);
    expect(weights).toEqual([MATRIX_BYTES * (LAYERS + 2), bytes]);
  });
});

describe("the compute buffer", () => {
  const computeOn = (device: string, workload: Omit<LlamaCppWorkload, "runtime">) =>
    estimate(workload).items.find((item) => item.component === "compute" && item.device === device);

  test("is on every GPU that has tensors, also by an override alone", () => {
    const workload = { devices: gpus(8, 8), tensorSplit: [1] };
    expect(computeOn("GPU1", workload)).toBeUndefined();
    const overrideTensors = [{ pattern: "blk\\.1\\.", device: "GPU1" }];
    expect(computeOn("GPU1", { ...workload, overrideTensors })?.bytes).toBeGreaterThan(0);
    const moved = computeOn("GPU1", { ...workload, overrideTensors: [{ pattern: "^output", device: "GPU1" }] });
    const logits = 4 * CELLS * (made.vocabularySize ?? Number.NaN);
    expect(moved?.bytes).toBeGreaterThan(logits);
  });

  test("holds rows of 32 bits once more in 16, which flash attention takes", () => {
    const contextTokens = 131_072;
    const bytes = (more: Partial<LlamaCppWorkload>) =>
      computeOn("CPU", { contextTokens, microBatchTokens: 1, ...more })?.bytes ?? 0;
    const turned = contextTokens * (CELL_BYTES / 2);
    expect(bytes({ cacheTypeV: "f32" }) - bytes({})).toBeGreaterThan(0.9 * turned);
    expect(bytes({ cacheTypeV: "f32" }) - bytes({})).toBeLessThan(1.1 * turned);
    expect(bytes({ cacheTypeV: "f32", flashAttention: "off" })).toBe(bytes({ flashAttention: "off" }));
  });
});
