import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { OPTION_FLAGS } from "../../src/cli/flags.ts";
import { foreignReason } from "../../src/cli/foreign-options.ts";
import { parseArguments, type Request } from "../../src/cli/options.ts";
import { makeProgram } from "../../src/cli/program.ts";
import { optionsOf, TABLE_RUNTIMES } from "../../src/cli/runtime-options/runtime-options.ts";
import { UsageError } from "../../src/cli/usage-error.ts";

function requestOf(...args: string[]): Request {
  const parsed = parseArguments(args, "1.2.3");
  if (parsed.kind !== "request") throw new Error(`got text: ${parsed.text}`);
  return parsed.request;
}

function textOf(...args: string[]): string {
  const parsed = parseArguments(args, "1.2.3");
  if (parsed.kind !== "text") throw new Error("got a request");
  return parsed.text;
}

/** The message of a usage error; empty for what is accepted. */
function refusal(...args: string[]): string {
  try {
    parseArguments(args, "1.2.3");
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return "";
}

function usageError(...args: string[]): string {
  const message = refusal(...args);
  if (message === "") throw new Error("accepted");
  return message;
}

describe("the command line", () => {
  it("asks for nothing that was not given", () => {
    expect(requestOf("model.gguf")).toEqual({
      sources: ["model.gguf"],
      all: false,
      cache: true,
      json: false,
      tensors: false,
      reading: {},
      runtimes: undefined,
      common: {},
      own: { "llama.cpp": {}, transformers: {}, vllm: {}, "tensorrt-llm": {}, mlx: {}, training: {} },
      notes: [],
    });
  });

  it.each([
    ["4096", 4096],
    ["4k", 4096],
    ["32K", 32_768],
    ["128k", 131_072],
    ["1M", 1_048_576],
    ["1.5k", 1536],
  ])("reads %s tokens of context, with k = 1024", (text, contextTokens) => {
    expect(requestOf("m", "--context", text).common).toEqual({ contextTokens });
  });

  it("takes a context of 0 as the trained one, as llama.cpp does", () => {
    expect(requestOf("m", "-c", "0").common).toEqual({});
  });

  it.each([
    ["24GiB", { name: "GPU0", kind: "cuda", memoryBytes: 25_769_803_776 }],
    ["24G", { name: "GPU0", kind: "cuda", memoryBytes: 25_769_803_776 }],
    ["24GB", { name: "GPU0", kind: "cuda", memoryBytes: 24_000_000_000 }],
    ["800MiB", { name: "GPU0", kind: "cuda", memoryBytes: 838_860_800 }],
    ["1.5gib", { name: "GPU0", kind: "cuda", memoryBytes: 1_610_612_736 }],
    ["cuda:24GiB", { name: "GPU0", kind: "cuda", memoryBytes: 25_769_803_776 }],
    ["metal:16GiB", { name: "GPU0", kind: "metal", memoryBytes: 17_179_869_184 }],
    ["cpu:32GiB", { name: "CPU", kind: "cpu", memoryBytes: 34_359_738_368 }],
    ["metal", { name: "GPU0", kind: "metal" }],
  ])("reads the device %s", (text, device) => {
    expect(requestOf("m", "--device", text).common).toEqual({ devices: [device] });
  });

  it("names several devices apart", () => {
    const { devices } = requestOf("m", "-d", "24G", "-d", "24G", "-d", "cpu:64G").common;
    expect(devices?.map((device) => device.name)).toEqual(["GPU0", "GPU1", "CPU"]);
  });

  it("knows llama.cpp's own names", () => {
    const theirs = requestOf(
      ..."m -c 8192 -np 4 -b 1024 -ub 256 -ctk q8_0 -ctv q4_0 -fa on -kvu --swa-full".split(" "),
    );
    const longer = requestOf(
      ..."m --ctx-size=8192 --parallel=4 --batch-size 1024 --ubatch-size 256 --cache-type-k Q8_0".split(" "),
      ..."--cache-type-v q4_0 --flash-attn on --kv-unified --swa-full".split(" "),
    );
    expect(theirs.common).toEqual({ contextTokens: 8192, sequences: 4 });
    expect(theirs.own["llama.cpp"]).toEqual({
      batchTokens: 1024,
      microBatchTokens: 256,
      cacheTypeK: "q8_0",
      cacheTypeV: "q4_0",
      flashAttention: "on",
      unifiedCache: true,
      fullSlidingWindowCache: true,
    });
    expect(longer).toEqual(theirs);
  });

  it("knows llama.cpp's names for where things lie", () => {
    const short = requestOf(
      ..."m -ngl 20 -sm none -mg 1 -ts 3,1 -ot exps=CPU,blk\\.0\\.=CUDA1 -ot norm=MTL0 -ncmoe 4 -ncffn 2 -nkvo -t 8".split(
        " ",
      ),
      ..."--no-op-offload --no-host --embeddings -d 8GiB -d 8GiB".split(" "),
    );
    const long = requestOf(
      ..."m --gpu-layers 20 --split-mode none --main-gpu 1 --tensor-split 3/1/0 --override-tensor exps=CPU".split(" "),
      ..."--override-tensor blk\\.0\\.=GPU1,norm=GPU0 --n-cpu-moe=4 --n-cpu-ffn=2 --no-kv-offload --threads 8".split(
        " ",
      ),
      ..."--no-op-offload --no-host --embeddings -d 8GiB -d 8GiB".split(" "),
    );
    expect(short.own["llama.cpp"]).toEqual({
      gpuLayers: 20,
      splitMode: "none",
      mainGpu: 1,
      tensorSplit: [3, 1],
      overrideTensors: [
        { pattern: "exps", device: "CPU" },
        { pattern: "blk\\.0\\.", device: "GPU1" },
        { pattern: "norm", device: "GPU0" },
      ],
      cpuMoeLayers: 4,
      cpuFeedForwardLayers: 2,
      offloadCache: false,
      operatorOffload: false,
      pinnedHost: false,
      embeddings: true,
      threads: 8,
    });
    expect(long).toEqual(short);
  });

  it.each(["all", "auto", "-1", "-2"])("takes %s layers as all there are", (layers) => {
    expect(requestOf("m", "-d", "8GiB", "-ngl", layers).own["llama.cpp"]).toEqual({ gpuLayers: "all" });
  });

  it("takes more blocks than there can be as all that there can be", () => {
    const many = requestOf("m", "-d", "8GiB", "-ncmoe", "999999999", "-ot", "exps=CUDA0").own["llama.cpp"];
    expect(many.overrideTensors).toHaveLength(513);
  });

  it("keeps the order of rules for tensors, since the first that fits decides", () => {
    expect(requestOf("m", "-d", "8GiB", "-ncmoe", "1", "-ot", "exps=CUDA0").own["llama.cpp"]).toEqual({
      overrideTensors: [
        { pattern: "blk\\.0\\.ffn_(up|down|gate|gate_up)_(ch|)exps", device: "CPU" },
        { pattern: "exps", device: "GPU0" },
      ],
    });
    expect(requestOf("m", "-d", "8GiB", "-ot", "exps=CUDA0", "-cmoe").own["llama.cpp"]).toEqual({
      overrideTensors: [{ pattern: "exps", device: "GPU0" }],
      cpuMoeLayers: "all",
    });
  });

  it("lays out on as many GPUs as the options speak of where none is given, and says so", () => {
    const gpus = (count: number) =>
      Array.from({ length: count }, (_, index) => ({ name: `GPU${index}`, kind: "cuda" }));
    expect(requestOf("m", "-ngl", "20").common.devices).toEqual(gpus(1));
    expect(requestOf("m", "-ts", "3,1").common.devices).toEqual(gpus(2));
    expect(requestOf("m", "-ot", "exps=CUDA2").common.devices).toEqual(gpus(3));
    expect(requestOf("m", "-ts", "3,1").notes.join()).toContain("2 CUDA GPUs of unknown size");
    expect(requestOf("m", "-ngl", "0").common.devices).toBeUndefined();
    expect(requestOf("m", "-d", "cpu:8GiB", "-ngl", "9").notes.join()).toContain("changes nothing");
  });

  it("sets both cache types at once, and one apart", () => {
    expect(requestOf("m", "--cache-type", "q8_0", "--cache-type-v", "f16").own["llama.cpp"]).toEqual({
      cacheTypeK: "q8_0",
      cacheTypeV: "f16",
    });
  });

  it("can ask for separate caches against a preset", () => {
    expect(requestOf("m", "--preset", "server", "--no-kv-unified").own["llama.cpp"]).toEqual({
      preset: "server",
      unifiedCache: false,
    });
  });

  it("takes several runtimes once each, or all", () => {
    expect(requestOf("m", "-r", "transformers", "-r", "llama.cpp", "-r", "transformers").runtimes).toEqual([
      { name: "transformers" },
      { name: "llama.cpp" },
    ]);
    expect(requestOf("m", "-r", "llama.cpp", "-r", "all").runtimes).toBe("all");
  });

  it.each([
    ["--max-model-len 4096", { contextTokens: 4096 }],
    ["--max_seq_len 4k", { contextTokens: 4096 }],
  ])("takes %s, as serving engines name the context", (line, common) => {
    expect(requestOf("m", ...line.split(" ")).common).toEqual(common);
  });

  it("gives an option that several runtimes have to each of them", () => {
    const { own } = requestOf(
      ..."m -tp 2 --attn-implementation eager --kv_cache_dtype fp8 --prompt-tokens 9".split(" "),
    );
    expect(own).toEqual({
      "llama.cpp": {},
      transformers: { attention: "eager", promptTokens: 9 },
      vllm: { tensorParallel: 2, kvCacheType: "fp8" },
      "tensorrt-llm": { tensorParallel: 2, kvCacheType: "fp8" },
      mlx: { promptTokens: 9 },
      training: { attention: "eager" },
    });
  });

  it("documents every option of a runtime, and its other names", () => {
    const page = readFileSync(join(import.meta.dirname, "../../docs/cli.md"), "utf8");
    const missing = TABLE_RUNTIMES.flatMap(optionsOf)
      .map(({ flags }) => flags.split(" ")[0] ?? "")
      .filter((name) => !page.includes(`\`${name}\``));
    expect(missing).toEqual([]);
  });

  it("has one meaning for each name of an option of a runtime", () => {
    const flags = TABLE_RUNTIMES.flatMap((runtime) => optionsOf(runtime));
    const byName = new Map<string, Set<string>>();
    for (const option of flags) {
      for (const name of [option.flags.split(" ")[0] ?? "", ...(option.aliases ?? [])]) {
        byName.set(name, (byName.get(name) ?? new Set()).add(`${option.field} ${option.flags}`));
      }
    }
    expect([...byName].filter(([, meanings]) => meanings.size > 1)).toEqual([]);
  });

  it("takes one runtime at several releases", () => {
    expect(
      requestOf("m", "-r", "transformers@5.14.1", "-r", "transformers", "-r", "transformers@5.14.1").runtimes,
    ).toEqual([{ name: "transformers", version: "5.14.1" }, { name: "transformers" }]);
  });

  it("reads how to read", () => {
    const args = "m --revision v1 --token hf_x --endpoint http://127.0.0.1:1 --offline --timeout 500ms --strict";
    expect(requestOf(...args.split(" ")).reading).toEqual({
      revision: "v1",
      token: "hf_x",
      endpoint: "http://127.0.0.1:1",
      offline: true,
      timeoutMs: 500,
      strict: true,
    });
    expect(requestOf("m", "--timeout", "30").reading).toEqual({ timeoutMs: 30_000 });
    expect(requestOf("m", "--timeout", "2m").reading).toEqual({ timeoutMs: 120_000 });
  });

  it.each([
    [["m", "--contxt", "4k"], "unknown option '--contxt' (Did you mean --context?)"],
    [["m", "--context", "abc"], "--context <tokens>' argument 'abc' is invalid. Write tokens as 8192, 32k or 1M"],
    [["m", "--context", "-5"], "argument '-5' is invalid"],
    [["m", "--context", "1.7"], "argument '1.7' is invalid"],
    [["m", "--context", "99999999999999999999"], "is invalid. Write tokens"],
    [["m", "--sequences", "0"], "--sequences <count>' argument '0' is invalid. Write a whole number above 0."],
    [["m", "--device", "24Q"], "--device <memory>' argument '24Q' is invalid. Write 24GiB"],
    [["m", "--device", "24"], "--device <memory>' argument '24' is invalid"],
    [["m", "--device", "gpu:24GiB"], "Write 24GiB (a CUDA device), cuda:24GiB, metal:16GiB or cpu:32GiB"],
    [["m", "--device", "cuda:"], "is invalid"],
    [["m", "--device", "0GiB"], "is invalid"],
    [["m", "--device", "a:b:c"], "is invalid"],
    [["m", "--device"], "argument missing"],
    [["m", "--runtime", "vlm"], "Choose from: llama.cpp, transformers, vllm, tensorrt-llm, mlx, training, all."],
    [["m", "--runtime", "mlx@1"], "Write a release as transformers@1.2.3 or vllm@1.2.3."],
    [["m", "--runtime", "vllm@"], "Write a release as"],
    [["m", "--runtime", "all@1"], "Write a release as"],
    [["m", "--cache-type", "q9"], "Choose from: f32, f16, bf16, q8_0"],
    [["m", "--timeout", "soon"], "Write seconds as 30 or 30s"],
    [["m", "--timeout", "99999m"], "at most 24 days"],
    [["m", "-ngl"], "--n-gpu-layers <count>' argument missing"],
    [["m", "-ngl", "--json"], "argument '--json' is invalid. Write a number of layers, all or auto."],
    [["m", "-ngl", "1.5"], "argument '1.5' is invalid"],
    [["m", "-sm", "rows"], "Choose from: none, layer, row, tensor."],
    [["m", "-mg", "-1"], "argument '-1' is invalid. Write a whole number"],
    [["m", "-ts", "3,,x"], "Write a share for each GPU: 3,1."],
    [["m", "-ot", "exps"], "Write pattern=device: 'exps=CPU'"],
    [["m", "-ot", "exps=Vulkan0"], "Write pattern=device"],
    [["m", "-ot", "(=CPU"], "( is no regular expression"],
    [["m", "--host", "0.0.0.0"], "--host is an option of llama.cpp that nothing here depends on"],
    [["m", "-dev", "CUDA0"], "-dev is an option of llama.cpp"],
    [["m", "--lora", "x"], "--lora is an option of llama.cpp that is not counted here"],
    [["-m", "model.gguf"], "-m is not needed"],
    [[], "which model?"],
  ])("refuses %j and says what it wants", (args, message) => {
    expect(usageError(...args)).toContain(message);
  });

  it("prints help within 80 columns, with examples and exit codes", () => {
    const help = textOf("--help");
    expect(help).toContain("Examples:");
    expect(help).toMatch(/3 {2}does not fit/);
    expect(help.split("\n").filter((line) => line.length > 80)).toEqual([]);
  });

  it("keeps no headers with --no-cache, which is not transformers' --cache", () => {
    expect(requestOf("m", "--no-cache", "--cache", "static")).toMatchObject({
      cache: false,
      own: { transformers: { cache: "static" } },
    });
    expect(requestOf("m", "--cache", "static").cache).toBe(true);
  });

  it("takes several sources, and all models of one", () => {
    expect(requestOf("a.gguf", "-c", "4k", "org/b").sources).toEqual(["a.gguf", "org/b"]);
    expect(requestOf("org/b", "--all")).toMatchObject({ sources: ["org/b"], all: true });
  });

  it("gives examples that are accepted", () => {
    const examples = [...textOf("--help").matchAll(/\$ weighin (.+?)(?: \| less)? {2,}/g)];
    expect(examples).toHaveLength(8);
    for (const [, line = ""] of examples) expect(() => requestOf(...line.split(" "))).not.toThrow();
  });

  it("refuses engines' options only where it has none of that name", () => {
    const names = makeProgram("0").options.flatMap(({ short, long }) => [short, long]);
    const own = names.filter((name) => name !== undefined);
    expect(own.filter((name) => foreignReason([name], () => false))).toContain("--offline");
    expect(own.filter((name) => / is an option of | is not needed/.test(refusal("m", name)))).toEqual([]);
  });

  it("prints its version", () => {
    expect(textOf("--version")).toBe("1.2.3\n");
  });

  it("translates library options only to flags that exist", () => {
    const flags = makeProgram("0").options.map((option) => option.long);
    expect([...OPTION_FLAGS.values()].filter((flag) => !flags.includes(flag))).toEqual([]);
  });
});
