import { beforeAll, describe, expect, it } from "vitest";
import { holeyFile } from "../../conformance/holey-file.ts";
import { ggufOfKeys } from "../../conformance/llama-cpp/architectures/keys.ts";
import type { GgufTensor } from "../../fixtures/write-gguf.ts";
import { GGML_TYPES_BY_NAME } from "../../src/formats/gguf/types.ts";
import { estimateMemory, inspectModel, type LlamaCppWorkload, type MemoryItem, type Model } from "../../src/index.ts";
import type { Device } from "../../src/runtimes/device.ts";
import { attentionUse } from "../../src/runtimes/llama-cpp/cuda/attention-use.ts";
import { CudaPool } from "../../src/runtimes/llama-cpp/cuda/pool.ts";
import { expertsUse, productUse } from "../../src/runtimes/llama-cpp/cuda/products.ts";
import { flashAttention, mulMat, mulMatOfExperts, topK } from "../../src/runtimes/llama-cpp/graph/ops/products.ts";
import { permute } from "../../src/runtimes/llama-cpp/graph/ops/shapes.ts";
import { F16, F32, fourOf, GraphTensor, I32 } from "../../src/runtimes/llama-cpp/graph/tensor.ts";
import { keepSums } from "../../src/runtimes/llama-cpp/graph/wide-sums.ts";

const MIB = 2 ** 20;
const GPU: Device = { name: "GPU0", kind: "cuda", memoryBytes: 80 * 2 ** 30 };

function weight(name: string, ...ne: readonly number[]): GraphTensor {
  const type = GGML_TYPES_BY_NAME.get(name);
  if (type === undefined) throw new Error(`no type ${name}`);
  const storage = { device: GPU, holdsWeights: true };
  return new GraphTensor("NONE", type, fourOf(ne), undefined, undefined, undefined, storage);
}

function rows(...ne: readonly number[]): GraphTensor {
  return new GraphTensor("ADD", F32, fourOf(ne));
}

/** Rows of the matrix's width times it. */
function product(matrix: GraphTensor, tokens: number): GraphTensor {
  return mulMat(matrix, rows(matrix.ne[0], tokens));
}

describe("products on CUDA", () => {
  // mmq.cu:136: rows x pad(width, 512) x 36/32, and 144 bytes for each column of the widest tile.
  const DOWN = (512 * 14336 * 36) / 32 + 128 * 144;
  const FROM_HIDDEN = (512 * 4096 * 36) / 32 + 128 * 144;
  // mmq.cuh:1453: a tile of 128 x 128 floats for each multiprocessor.
  const TILE = 128 * 128 * 4;

  it("turn activations to 8 bits for quantized matrices", () => {
    // 32 x 4 tiles are one for each of 128 multiprocessors.
    const use = productUse(product(weight("Q4_K", 14336, 4096), 512));
    expect(use).toEqual({ bytes: DOWN, low: DOWN, high: DOWN + 192 * TILE, callsBlas: false });
    expect(DOWN).toBe(8_275_968);
  });

  it("keep tiles that are not finished where they do not come out even", () => {
    // 8 x 4 tiles for 128 multiprocessors; 112 x 4, of which the last wave is half full.
    for (const height of [1024, 14336]) {
      const use = productUse(product(weight("Q6_K", 4096, height), 512));
      expect([use.low, use.bytes]).toEqual([FROM_HIDDEN, FROM_HIDDEN + 128 * TILE]);
    }
    // 55 x 4 tiles are 86 % of two waves, 61 x 4 are 95 %.
    expect(productUse(product(weight("Q6_K", 4096, 55 * 128), 512)).bytes).toBe(FROM_HIDDEN + 128 * TILE);
    expect(productUse(product(weight("Q6_K", 4096, 61 * 128), 512)).bytes).toBe(FROM_HIDDEN);
  });

  it("read as far behind the rows as the widest tile of the type reaches", () => {
    const small = (100 * 4096 * 36) / 32;
    const even = productUse(product(weight("Q8_0", 4096, 1024), 100));
    const odd = productUse(product(weight("Q8_0", 4096, 1000), 100));
    expect([even.low, odd.low]).toEqual([small + 96 * 144, small + 64 * 144]);
    expect(even.high - even.low).toBe(192 * 112 * 128 * 4);
    expect(odd.high - odd.low).toBe(192 * TILE);
  });

  it("take half as much of 4-bit types where the device multiplies in 4 bits", () => {
    const half = (512 * 4096 * 144) / 256 + 128 * 144;
    const [mxfp4, nvfp4] = ["MXFP4", "NVFP4"].map((type) => productUse(product(weight(type, 4096, 4096), 512)));
    expect(mxfp4?.low).toBe(half);
    expect(nvfp4?.low).toBe(half + 4 * 512);
    expect(nvfp4?.bytes).toBe(FROM_HIDDEN);
  });

  it("take nothing but the rows themselves for few of them", () => {
    const few = (4 * 4096 * 36) / 32;
    expect(productUse(product(weight("Q4_K", 4096, 4096), 4))).toEqual({
      bytes: few,
      low: few,
      high: few,
      callsBlas: false,
    });
    // Some devices take tiles from five rows on.
    const eight = productUse(product(weight("Q4_K", 4096, 4096), 8));
    expect([eight.low, eight.high]).toEqual([2 * few, 2 * few + 8 * 144 + 192 * 8 * 128 * 4]);
  });

  it("go by cuBLAS for floats, rows and result in the type of the matrix", () => {
    const input = 2 * 512 * 4096;
    const result = 2 * 512 * 14336;
    const taken = (type: string, tokens = 512) => {
      const { low, bytes, high, callsBlas } = productUse(product(weight(type, 4096, 14336), tokens));
      expect([low, high]).toEqual([bytes, bytes]);
      return [bytes, callsBlas];
    };
    expect(taken("F16")).toEqual([input + result, true]);
    expect(taken("BF16")).toEqual([input, true]);
    expect(taken("F32")).toEqual([0, true]);
    // A type without tiles is turned to 16 bits as a whole.
    expect(taken("IQ1_M")).toEqual([2 * 4096 * 14336 + input + result, true]);
    for (const type of ["F16", "BF16", "F32"]) expect(taken(type, 16)).toEqual([0, false]);
    expect(taken("F16", 17)).toEqual([2 * 17 * (4096 + 14336), true]);
  });

  it("turn 16-bit matrices to 32 bits where sums are to be kept so", () => {
    const node = product(weight("F16", 4096, 14336), 512);
    node.keepsSums = true;
    expect(productUse(node).bytes).toBe(4 * 4096 * 14336);
    const ofGlm = product(weight("F16", 14336, 4096), 512);
    const other = product(weight("F16", 4096, 14336), 512);
    for (const [matrix] of [ofGlm.sources, other.sources]) if (matrix) matrix.name = "blk.0.ffn_up.weight";
    if (ofGlm.sources[0]) ofGlm.sources[0].name = "blk.0.ffn_down.weight";
    keepSums("llama", [ofGlm, other]);
    expect(ofGlm.keepsSums).toBe(false);
    keepSums("glm4", [ofGlm, other]);
    expect([ofGlm.keepsSums, other.keepsSums]).toEqual([true, false]);
  });

  it("turn keys to 32 bits where attention goes in steps, and point to each head", () => {
    const keys = permute(weight("F16", 128, 8, 8192), 0, 2, 1, 3);
    const scores = mulMat(keys, permute(rows(128, 32, 512), 0, 2, 1, 3));
    scores.keepsSums = true;
    expect(productUse(scores).bytes).toBe(4 * 128 * 8 * 8192 + 16 * 32 + 8 * 32);
  });

  it("have a kernel of their own for Hadamard matrices", () => {
    const matrix = new GraphTensor("NONE", F32, [128, 128, 1, 1]);
    expect(productUse(product(matrix, 4096)).callsBlas).toBe(false);
    expect(productUse(product(weight("F32", 128, 128), 4096)).callsBlas).toBe(true);
  });
});

describe("products of experts on CUDA", () => {
  const LISTS = 2 * 4 * 512 * 8 + 640; // of 8 experts for each of 512 tokens, and where each of 128 begins: 516 bytes
  const chosen = (used: number, tokens: number) => new GraphTensor("ARGSORT", I32, [used, tokens, 1, 1]);

  it("turn the rows of each expert to 8 bits", () => {
    const gate = expertsUse(mulMatOfExperts(weight("Q4_K", 2048, 768, 128), rows(2048, 1, 512), chosen(8, 512)));
    expect([gate.low, gate.bytes]).toEqual([LISTS + (4096 * 2048 * 36) / 32, LISTS + (4096 * 2048 * 36) / 32]);
    // Rows of 768 are padded to 1024; behind the last are those of one tile of 8.
    const down = expertsUse(mulMatOfExperts(weight("Q4_K", 768, 2048, 128), rows(768, 8, 512), chosen(8, 512)));
    expect(down.low).toBe(LISTS + (4096 * 1024 * 36) / 32 + 8 * 144);
    const one = expertsUse(mulMatOfExperts(weight("Q4_K", 768, 2048, 128), rows(768, 8, 1), chosen(8, 1)));
    expect([one.low, one.high]).toEqual([(8 * 1024 * 36) / 32, (8 * 1024 * 36) / 32]);
  });

  it("sort rows of 16-bit experts where there are many, by how many tokens choose one", () => {
    const use = expertsUse(mulMatOfExperts(weight("F16", 2048, 1408, 64), rows(2048, 1, 512), chosen(6, 512)));
    const held = 8 * 3072 + 2 * 2048 * 3072 + 4 * 1408 * 3072;
    expect(use).toMatchObject({ low: held + 2 * 48 * 1408, high: held + 2 * 512 * 1408, callsBlas: true });
    const narrow = expertsUse(mulMatOfExperts(weight("F16", 2048, 768, 128), rows(2048, 1, 512), chosen(8, 512)));
    expect(narrow).toMatchObject({ low: LISTS, high: LISTS, callsBlas: false });
  });
});

describe("flash attention on CUDA", () => {
  type Heads = {
    readonly dims?: readonly [key: number, value: number];
    readonly heads?: number;
    readonly kvHeads?: number;
  };
  const attention = (tokens: number, cells: number, { dims = [128, 128], heads = 32, kvHeads = 8 }: Heads = {}) => {
    const [keyDim, valueDim] = dims;
    const q = rows(keyDim, tokens, heads);
    const mask = new GraphTensor("NONE", F16, [cells, tokens, 1, 1]);
    return flashAttention(q, weight("F16", keyDim, cells, kvHeads), weight("F16", valueDim, cells, kvHeads), mask);
  };
  // fattn-common.cuh:1177: of each block, 64 columns of 2 + 128/2 pairs.
  const BLOCK = 64 * (2 + 64) * 8;

  it("keeps parts of the result where blocks share tiles", () => {
    // 32 x 8 tiles, and two blocks on each of 128 multiprocessors.
    const whole = attentionUse(attention(512, 8192));
    expect([whole.low, whole.bytes]).toEqual([0, 0]);
    // A block takes 37,120 bytes of shared memory, of which 228 KiB hold six; 160 multiprocessors.
    expect(whole.high).toBe(160 * 6 * BLOCK);
    expect(attentionUse(attention(64, 8192)).bytes).toBe(256 * BLOCK);
  });

  it("lists which cells are to be read", () => {
    expect(attentionUse(attention(1024, 8192)).low).toBe(4 * 64);
    const sparse = (cells: number) => {
      const node = attention(512, cells, { dims: [576, 512], heads: 128, kvHeads: 1 });
      node.mostCells = 2048;
      return attentionUse(node).low;
    };
    expect(sparse(16384)).toBe(4 * 512 * (2048 + 1));
    expect(sparse(8192)).toBe(0);
  });

  it("divides the cells of one token among blocks", () => {
    const use = attentionUse(attention(1, 8192));
    // Four parts of 32 heads fill 128 multiprocessors; at the most there are as many as steps of 128 cells.
    const parts = (count: number) => 4 * count * 128 * 32 + 8 * count * 32;
    expect([use.low, use.bytes, use.high]).toEqual([0, parts(4), parts(64)]);
  });

  it("divides them as well where heads have no kernel for tensor cores", () => {
    const use = attentionUse(attention(64, 256, { dims: [72, 72], heads: 16, kvHeads: 16 }));
    // Two tiles of 32 tokens for each of 16 heads; four steps of 64 cells.
    expect(use.bytes).toBe(4 * 4 * 72 * 16 * 64 + 8 * 4 * 16 * 64);
  });
});

describe("the pool of a CUDA device", () => {
  const poolOf = (...nodes: readonly GraphTensor[]) => {
    const pool = new CudaPool();
    for (const node of nodes) pool.add(node);
    return pool.bytes;
  };

  it("is as large as the largest node takes, in steps of 2 MiB", () => {
    const nodes = [
      product(weight("Q4_K", 4096, 4096), 1),
      product(weight("Q4_K", 14336, 4096), 512),
      rows(4096, 512),
      product(weight("Q4_K", 14336, 4096), 512),
    ];
    expect(poolOf(...nodes)).toEqual({ bytes: 8 * MIB, low: 8 * MIB, high: 20 * MIB });
    expect(poolOf(rows(4096, 512))).toEqual({ bytes: 0, low: 0, high: 0 });
  });

  it("has the work space of cuBLAS beside it where that is called", () => {
    expect(poolOf(product(weight("F32", 4096, 128), 512))).toEqual({ bytes: 4 * MIB, low: 4 * MIB, high: 32 * MIB });
  });

  it("tells nodes apart that differ in what they keep", () => {
    const wide = product(weight("F16", 4096, 4096), 512);
    wide.keepsSums = true;
    expect(poolOf(product(weight("F16", 4096, 4096), 512), wide).low).toBe(64 * MIB + 4 * MIB);
  });

  it("holds the columns of a sort, 64 MiB at a time", () => {
    const long = poolOf(topK(rows(131072, 512), 2048));
    expect(long).toEqual({ low: 0, bytes: 4 * 64 * MIB + 2 * MIB, high: 6 * 64 * MIB + 2 * MIB });
    const short = poolOf(topK(rows(1024, 512), 64));
    expect(short).toEqual({ low: 0, bytes: 2 * MIB, high: 2 * MIB });
  });

  it("holds the matrices of a long scan", () => {
    const scan = (tokens: number) =>
      new GraphTensor("SSM_SCAN", F32, fourOf([64 * 24 * tokens + 128 * 64 * 24]), undefined, [
        rows(128, 64, 24, 1),
        rows(64, 24, tokens, 1),
        rows(24, tokens),
        rows(1, 24),
        rows(128, 1, tokens, 1),
        rows(128, 1, tokens, 1),
        new GraphTensor("NONE", I32, [1, 1, 1, 1]),
      ]);
    // ssm-scan.cu:600-605, 643: 9,011,200 bytes for 24 heads of 64, states of 128 and 512 tokens.
    expect(poolOf(scan(512)).low).toBe(10 * MIB + 4 * MIB);
    expect(poolOf(scan(128))).toEqual({ bytes: 0, low: 0, high: 0 });
  });
});

describe("an estimate for llama.cpp", () => {
  let model: Model;
  beforeAll(async () => {
    model = await llama("Q4_K");
  });
  const poolItems = (workload: Omit<LlamaCppWorkload, "runtime">, of = model): MemoryItem[] =>
    estimateMemory(of, { runtime: "llama.cpp", contextTokens: 8192, devices: [GPU], ...workload }).items.filter(
      ({ label }) => label.includes("CUDA memory pool"),
    );

  it("has an item for the pool of each CUDA device", () => {
    const [item, ...others] = poolItems({});
    expect(others).toEqual([]);
    expect(item).toMatchObject({
      component: "overhead",
      label: "CUDA memory pool",
      device: "GPU0",
      certainty: "estimate",
      // The down projection; the others with tiles that are not finished; attention.
      low: 8 * MIB,
      bytes: 12 * MIB,
      high: 32 * MIB,
    });
    expect(item?.source).toContain("ggml_cuda_pool_vmm");
    const two = [0, 1].map((index): Device => ({ ...GPU, name: `GPU${index}` }));
    expect(poolItems({ devices: two }).map(({ device }) => device)).toEqual(["GPU0", "GPU1"]);
  });

  it("has none where nothing is computed there, or on other devices", () => {
    expect(poolItems({ gpuLayers: 0, operatorOffload: false })).toEqual([]);
    expect(poolItems({ gpuLayers: 0 })).toHaveLength(1);
    expect(poolItems({ devices: [{ name: "GPU0", kind: "metal", memoryBytes: 2 ** 36 }] })).toEqual([]);
    expect(poolItems({ devices: [{ name: "CPU", kind: "cpu" }] })).toEqual([]);
  });

  it("has none where no graph is drawn", () => {
    const two = [0, 1].map((index): Device => ({ ...GPU, name: `GPU${index}` }));
    expect(poolItems({ devices: two, splitMode: "tensor" })).toEqual([]);
  });

  it("has one more for a draft, whose context has a pool of its own", () => {
    const labels = poolItems({ draft: model }).map(({ label }) => label);
    expect(labels).toEqual(["CUDA memory pool", "draft: CUDA memory pool"]);
  });

  it("counts all scores where attention goes in steps", () => {
    // Chances of 512 tokens and 32 heads in 16 bits, and what is put out.
    const [item] = poolItems({ flashAttention: "off" });
    const taken = 2 * 8192 * 512 * 32 + 2 * 128 * 512 * 32 + 24 * 32;
    expect(item?.low).toBe(Math.ceil(taken / (2 * MIB)) * 2 * MIB + 4 * MIB);
    // Of few tokens more is taken by the keys in 32 bits, 32 MiB and pointers to 32 heads.
    const [small] = poolItems({ flashAttention: "off", microBatchTokens: 17 });
    expect(small?.low).toBe(34 * MIB + 4 * MIB);
  });
});

/** One layer of Llama 3.1 8B. */
function llama(type: GgufTensor["type"]): Promise<Model> {
  const matrix = (name: string, ...shape: number[]): GgufTensor => ({ name: `${name}.weight`, type, shape });
  const vector = (name: string): GgufTensor => ({ name: `${name}.weight`, type: "F32", shape: [4096] });
  const tensors = [
    matrix("token_embd", 4096, 128256),
    vector("output_norm"),
    matrix("output", 4096, 128256),
    vector("blk.0.attn_norm"),
    vector("blk.0.ffn_norm"),
    matrix("blk.0.attn_q", 4096, 4096),
    matrix("blk.0.attn_k", 4096, 1024),
    matrix("blk.0.attn_v", 4096, 1024),
    matrix("blk.0.attn_output", 4096, 4096),
    matrix("blk.0.ffn_gate", 4096, 14336),
    matrix("blk.0.ffn_up", 4096, 14336),
    matrix("blk.0.ffn_down", 14336, 4096),
  ];
  const keys = {
    block_count: 1,
    embedding_length: 4096,
    feed_forward_length: 14336,
    "attention.head_count": 32,
    "attention.head_count_kv": 8,
    "attention.layer_norm_rms_epsilon": 1e-5,
    context_length: 8192,
    vocab_size: 128256,
  };
  return inspectModel(holeyFile(ggufOfKeys("llama", keys, tensors)));
}
