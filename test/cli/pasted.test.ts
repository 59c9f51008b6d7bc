import { describe, expect, it } from "vitest";
import { FLAG_GROUPS } from "../../src/cli/llama-cpp-flags.ts";
import { parseArguments, type Request } from "../../src/cli/options.ts";
import { pastedFlag } from "../../src/cli/pasted-flags.ts";
import { MEANINGS } from "../../src/cli/pasted-meaning.ts";
import { makeProgram } from "../../src/cli/program.ts";
import { UsageError } from "../../src/cli/usage-error.ts";

function requestOf(line: string): Request {
  const parsed = parseArguments(line.split(" "), "1.2.3");
  if (parsed.kind !== "request") throw new Error("got text");
  return parsed.request;
}

function usageError(line: string): string {
  try {
    requestOf(line);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  throw new Error("accepted");
}

const llamaCpp = (line: string) => requestOf(line).own["llama.cpp"];

describe("a pasted command line of llama.cpp", () => {
  it("gives the model, the settings and the program's defaults", () => {
    const line =
      "-- llama-server -m a.gguf -c 8192 -np 2 -b 1024 -ub 256 -ctk q8_0 -fa 1 --host 0.0.0.0 --port 80 --jinja";
    expect(requestOf(line)).toMatchObject({
      sources: ["a.gguf"],
      common: { contextTokens: 8192, sequences: 2 },
      own: {
        "llama.cpp": {
          preset: "server",
          batchTokens: 1024,
          microBatchTokens: 256,
          cacheTypeK: "q8_0",
          flashAttention: "on",
        },
      },
      notes: ["ignored, as nothing here depends on it: --host, --port, --jinja"],
    });
  });

  it("says the same as the options themselves", () => {
    const options =
      "-ngl all -ts 3,1 -sm layer -mg 0 -ot exps=CPU -ncmoe 3 -ncffn 2 -nkvo --no-op-offload -b 512 -ub 128 --swa-full";
    expect(requestOf(`a.gguf -- ${options}`)).toEqual(requestOf(`a.gguf ${options}`));
  });

  it.each([
    ["llama-server", "server"],
    ["./build/bin/llama-server", "server"],
    ["C:\\llama\\llama-server.exe", "server"],
    ["llama serve", "server"],
    ["llama-cli", "cli"],
    ["llama cli", "cli"],
    ["llama-completion", undefined],
  ])("begins with %s", (program, preset) => {
    expect(llamaCpp(`-- ${program} -m a.gguf`).preset).toBe(preset);
  });

  it("is llama-server's where it alone has such an option", () => {
    expect(llamaCpp("-- -m a.gguf --port 80").preset).toBe("server");
    expect(llamaCpp("-- -m a.gguf --temp 1").preset).toBeUndefined();
    expect(llamaCpp("--preset ollama -- -m a.gguf --port 80").preset).toBe("ollama");
  });

  it.each([
    ["-- llama-server -m a.gguf", "a.gguf"],
    ["-- llama-server -hf org/name:Q8_0", "hf://org/name:Q8_0"],
    ["-- llama-server -hfr org/name:Q8_0 -hff b.gguf", "hf://org/name/b.gguf"],
    ["-- llama-server -m a.gguf --hf-repo org/name", "hf://org/name"],
    ["-- llama-server -mu http://127.0.0.1/a.gguf", "http://127.0.0.1/a.gguf"],
    ["-- llama-server -m a.gguf -m b.gguf", "b.gguf"],
    ["-- a.gguf -c 512", "a.gguf"],
    ["b.gguf -- llama-server -m a.gguf", "b.gguf"],
  ])("%s weighs the model that llama.cpp would load, or the one before", (line, source) => {
    expect(requestOf(line).sources).toEqual([source]);
  });

  it("loses against what stands before it", () => {
    expect(requestOf("-c 4k -- llama-server -m a.gguf -c 8192").common.contextTokens).toBe(4096);
  });

  it("takes what is left to the machine as not said", () => {
    expect(requestOf("-- llama-server -m a.gguf -np -1 -t -1")).toMatchObject({
      common: {},
      own: { "llama.cpp": { preset: "server" } },
    });
    expect(llamaCpp("-- llama-server -m a.gguf -ngl auto")).toEqual({ preset: "server", gpuLayers: "all" });
  });

  it("reads names with underscores, negations and the last of two", () => {
    expect(requestOf("-- -m a.gguf --ctx_size 512 --ctx-size 1024").common.contextTokens).toBe(1024);
    expect(llamaCpp("-- -m a.gguf -kvu -no-kvu").unifiedCache).toBe(false);
    expect(llamaCpp("-- -m a.gguf -nkvo --kv-offload").offloadCache).toBe(true);
  });

  it("unifies the cache of a server that chooses its slots, as llama-server does whatever it is told", () => {
    const line = "-- llama-server -m a.gguf --no-kv-unified";
    expect(llamaCpp(line).unifiedCache).toBeUndefined();
    expect(requestOf(line).notes.join()).toContain("--no-kv-unified");
    expect(llamaCpp(`${line} -np 2`).unifiedCache).toBe(false);
  });

  it("sizes the context by the slots", () => {
    expect(requestOf("-- llama-server -m a.gguf --kv-unified-per-slot 2048").common.contextTokens).toBe(8192);
    expect(requestOf("-- llama-server -m a.gguf --kv-unified-per-slot 2048 -np 3").common.contextTokens).toBe(6144);
    expect(requestOf("-- llama-server -m a.gguf --kv-unified-per-slot 2048 -c 512").common.contextTokens).toBe(512);
  });

  it("reads embedding servers, drafts and projectors", () => {
    expect(llamaCpp("-- llama-server -m a.gguf --reranking").embeddings).toBe(true);
    const drafting = requestOf("-- llama-server -m a.gguf -md b.gguf -ngld all --mmproj c.gguf --spec-draft-n-max 5");
    expect(drafting.companions).toEqual({ projector: { choice: "file", source: "c.gguf" }, draft: "b.gguf" });
    expect(drafting.own["llama.cpp"]).toMatchObject({ draftGpuLayers: "all", draftTokens: 5 });
    expect(llamaCpp("-- llama-server -m a.gguf --spec-type draft-mtp").mtpContext).toBe(true);
  });

  it("names what may take memory and is not counted", () => {
    expect(
      requestOf("-- llama-server -m a.gguf --lora b.gguf --spec-type ngram-mod --cache-ram 0 --no-repack").notes,
    ).toEqual(["not counted, though it may take memory: --lora, --spec-type, --cache-ram"]);
  });

  it("takes flags of older releases that still stand in many scripts", () => {
    expect(requestOf("-- -m a.gguf --no-mmap --mlock").notes).toEqual([
      "ignored, as nothing here depends on it: --no-mmap, --mlock",
    ]);
  });

  it("never repeats the value of a variable, and refuses one that sets an option", () => {
    expect(requestOf("-- HF_TOKEN=secret llama-server -m a.gguf").notes.join()).toMatch(/: HF_TOKEN$/);
    expect(usageError("-- LLAMA_ARG_CTX_SIZE=512 llama-server -m a.gguf")).toContain("write the option instead");
  });

  it.each([
    ["-- llama-server -m a.gguf --device CUDA0,CUDA1", ["GPU0", "GPU1"]],
    ["-- llama-server -m a.gguf -dev ROCm1", ["GPU1"]],
    ["-d 8GiB -d 24GiB -d cpu:64GiB -- llama-server -m a.gguf --device CUDA1", ["GPU1", "CPU"]],
    ["-d 8GiB -d cpu:64GiB -- llama-server -m a.gguf --device none", ["CPU"]],
    ["-- llama-server -m a.gguf --device none -ngl 99", undefined],
  ])("%s picks devices by name", (line, names) => {
    expect(requestOf(line).common.devices?.map(({ name }) => name)).toEqual(names);
  });

  it("knows Metal's devices", () => {
    expect(requestOf("-- -m a.gguf --device MTL0").common.devices).toEqual([{ name: "GPU0", kind: "metal" }]);
  });

  it.each([
    ["-- llama-server -m a.gguf --prot 80", "llama.cpp has no option --prot"],
    ["-- llama-server -m a.gguf --json", "llama.cpp has no option --json"],
    ["-- llama-server -m a.gguf --ctx-size=512", "takes a value after a space: --ctx-size 512"],
    ["-- llama-server -m a.gguf -p hello world", "takes no argument 'world'; a value that holds spaces needs quotes"],
    ["-- llama-server -m a.gguf --temp", "--temp wants a value, and the line ends"],
    ["-- llama-server -m a.gguf --temp -ngl 9", "--temp wants a value, and -ngl follows"],
    ["-- llama-server -m a.gguf -ngl x", "argument 'x' is invalid"],
    ["-- llama-server -m a.gguf --device Vulkan0", "--device Vulkan0 is none that can be weighed for"],
    ["-d 8GiB -- llama-server -m a.gguf --device CUDA1", "--device CUDA1 is not among the GPUs that are given: GPU0"],
    ["-- llama-bench -m a.gguf", "llama-bench has options of its own"],
    ["-- llama-server --gpt-oss-20b-default", "stands for a model and its settings"],
    ["-- llama-server -c 512", "which model?"],
  ])("%s is refused", (line, message) => {
    expect(usageError(line)).toContain(message);
  });
});

describe("the table of llama.cpp's flags", () => {
  const names = FLAG_GROUPS.flatMap(({ flags }) => flags.flatMap((list) => list.replace(" !", "").split(" ")));

  it("has every flag once", () => {
    expect(names.length).toBeGreaterThan(400);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it("holds every flag that has a meaning here, by its last name", () => {
    expect([...MEANINGS.keys()].filter((name) => pastedFlag(name)?.name !== name)).toEqual([]);
  });

  it("gives options that exist", () => {
    const options = makeProgram("0").options.map(({ long }) => long);
    const given = [...MEANINGS.values()].flatMap((meaning) => (meaning.kind === "own" ? [meaning.flag] : []));
    expect(given.filter((flag) => !options.includes(flag))).toEqual([]);
  });
});
