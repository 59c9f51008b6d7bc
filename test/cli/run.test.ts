import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inspectModel } from "../../src/inspect.ts";
import { displayWidth } from "../../src/report/width.ts";
import { estimateMemory } from "../../src/runtimes/estimate-memory.ts";
import { type MockHub, startMockHub } from "../hub/mock-hub.ts";
import { runCli } from "./surroundings.ts";

const FILES = join(import.meta.dirname, "../../fixtures/files");
const DEMO = join(FILES, "demo.gguf");
const LLAMA = join(FILES, "safetensors/llama-3");

describe("weighing a file", () => {
  it("prints one screen of at most 80 columns and ends with 0", async () => {
    const { exitCode, stdout, stderr } = await runCli([DEMO]);
    expect(stderr).toBe("");
    expect(exitCode).toBe(0);
    for (const part of ["parameters", "Weights", "Memory", "llama.cpp", "Cache growth", "per token"]) {
      expect(stdout).toContain(part);
    }
    expect(stdout.split("\n").filter((line) => displayWidth(line) > 80)).toEqual([]);
    expect(stdout.includes("\u001b")).toBe(false);
  });

  it("prints exactly what the library says as JSON, without the tensors", async () => {
    const { exitCode, stdout, stderr } = await runCli([DEMO, "--json", "--context", "512", "--cache-type", "q8_0"]);
    const model = await inspectModel(DEMO);
    const { tensors, ...rest } = model;
    const workload = { runtime: "llama.cpp", contextTokens: 512, cacheTypeK: "q8_0", cacheTypeV: "q8_0" } as const;
    expect(tensors.length).toBeGreaterThan(0);
    expect(JSON.parse(stdout)).toEqual({ model: rest, memory: [estimateMemory(model, workload)] });
    expect([exitCode, stderr]).toEqual([0, ""]);
  });

  it("includes the tensors in the JSON when asked to", async () => {
    const { stdout } = await runCli([DEMO, "--json", "--tensors"]);
    expect(JSON.parse(stdout).model).toEqual(await inspectModel(DEMO));
  });

  it("lists every tensor after the screen", async () => {
    const { stdout } = await runCli([DEMO, "--tensors"]);
    const { tensors } = await inspectModel(DEMO);
    for (const tensor of tensors) expect(stdout).toContain(`${tensor.name} `);
  });

  it("weighs safetensors for transformers, and every runtime that can load them", async () => {
    const first = JSON.parse((await runCli([LLAMA, "--json"])).stdout);
    const all = JSON.parse((await runCli([LLAMA, "--json", "--runtime", "all"])).stdout);
    expect(first.memory.map((estimate: { runtime: string }) => estimate.runtime)).toEqual(["transformers"]);
    expect(all.memory.map((estimate: { runtime: string }) => estimate.runtime)).toEqual([
      "transformers",
      "vllm",
      "tensorrt-llm",
      "mlx",
      "training",
    ]);
    expect(all.memory[0]).toEqual(first.memory[0]);
  });

  it("says of all runtimes which do not take the model, and fails where that one was asked for", async () => {
    const packed = join(FILES, "safetensors/deepseek-v3-fp8");
    const all = JSON.parse((await runCli([packed, "--json", "--runtime", "all"])).stdout);
    expect(all.refused).toEqual([{ runtime: "training", code: "unsupported-option", message: expect.any(String) }]);
    const alone = await runCli([packed, "--runtime", "training"]);
    expect([alone.exitCode, alone.stdout]).toEqual([2, ""]);
  });
});

describe("weights without a config.json", () => {
  const folder = mkdtempSync(join(tmpdir(), "weighin-cli-"));
  beforeAll(() => copyFileSync(join(LLAMA, "model.safetensors"), join(folder, "model.safetensors")));
  afterAll(() => rmSync(folder, { recursive: true }));

  it("are weighed for 4,096 tokens, and their cache is not known", async () => {
    const { exitCode, stdout } = await runCli([folder]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain("context 4,096");
    expect(stdout).toMatch(/cache +not known/);
    expect(stdout).toMatch(/total +not known +at least/);
  });

  it("cannot be promised to fit", async () => {
    const { exitCode, stdout } = await runCli([folder, "--device", "24GiB"]);
    expect(exitCode).toBe(3);
    expect(stdout).toContain("Not known whether it fits on GPU0, 24.00 GiB");
  });
});

describe("a device", () => {
  it("that is large enough ends with 0 and says how much is left", async () => {
    const { exitCode, stdout } = await runCli([DEMO, "--device", "24GiB"]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/Fits on GPU0, 24\.00 GiB: \S+ GiB to spare, \S+ GiB at worst\./);
    expect(stdout).toContain("The whole trained context fits");
  });

  it("that is too small ends with 3 and says by how much, also with --json", async () => {
    const { exitCode, stdout } = await runCli([DEMO, "--device", "1MiB"]);
    expect(exitCode).toBe(3);
    expect(stdout).toMatch(/Does not fit on GPU0, 1\.00 MiB: \S+ MiB too much, \S+ MiB at best\./);
    const json = await runCli([DEMO, "--device", "1MiB", "--json"]);
    expect(json.exitCode).toBe(3);
    expect(JSON.parse(json.stdout).memory).toHaveLength(1);
  });

  it("that lies between the bounds cannot be promised to hold it", async () => {
    const { memory } = JSON.parse((await runCli([DEMO, "--device", "24GiB", "--json"])).stdout);
    const gpu = memory[0].devices.find((device: { name: string }) => device.name === "GPU0");
    const { exitCode, stdout } = await runCli([DEMO, "--device", `${gpu.high - 1}B`]);
    expect(gpu.low).toBeLessThan(gpu.high);
    expect(exitCode).toBe(3);
    expect(stdout).toContain("Too close to call on GPU0");
  });

  it("given twice shares the layers; a second CPU is refused by the library as bad usage", async () => {
    const shared = await runCli([DEMO, "--device", "8GiB", "--device", "8GiB"]);
    expect(shared.exitCode).toBe(0);
    expect(shared.stdout).toMatch(/Fits on GPU0[\s\S]*Fits on GPU1/);
    const { exitCode, stdout, stderr } = await runCli([DEMO, "--device", "cpu:8GiB", "--device", "cpu:8GiB"]);
    expect([exitCode, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^weighin: .*CPU, CPU1/);
  });
});

describe("a pasted command line", () => {
  const line = ["--", "llama-server", "-m", DEMO, "-c", "512", "-np", "2", "-ngl", "1", "--port", "80"];

  it("is weighed as the library weighs it, and says on standard error what it left out", async () => {
    const { exitCode, stdout, stderr } = await runCli(["--json", "-d", "8GiB", ...line]);
    const devices = [{ name: "GPU0", kind: "cuda", memoryBytes: 8 * 1024 ** 3 }] as const;
    const workload = {
      runtime: "llama.cpp",
      preset: "server",
      contextTokens: 512,
      sequences: 2,
      gpuLayers: 1,
    } as const;
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout).memory).toEqual([estimateMemory(await inspectModel(DEMO), { ...workload, devices })]);
    expect(stderr).toBe("weighin: ignored, as nothing here depends on it: --port\n");
  });

  it("names the devices it assumes", async () => {
    const { stdout, stderr } = await runCli(line);
    expect(stdout).toContain("on GPU0");
    expect(stderr).toContain("weighin: no device is given: laid out on one CUDA GPU of unknown size");
  });

  it("says a refusal of the library in the words of the command line", async () => {
    const { exitCode, stderr } = await runCli(["-d", "8GiB", ...line, "-sm", "row"]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("row");
    expect(stderr).not.toContain("splitMode");
  });
});

describe("bad usage", () => {
  it("ends with 2, one clear line and where to look", async () => {
    const { exitCode, stdout, stderr } = await runCli([DEMO, "--contxt", "4k"]);
    expect([exitCode, stdout]).toEqual([2, ""]);
    expect(stderr).toBe(
      "weighin: unknown option '--contxt' (Did you mean --context?)\n  weighin --help shows the options, with examples\n",
    );
  });

  it("refuses an option of another runtime, before or after the model is known", async () => {
    for (const args of [
      [DEMO, "--dtype", "bfloat16"],
      ["nowhere", "--dtype", "bfloat16", "--runtime", "llama.cpp"],
    ]) {
      const { exitCode, stderr } = await runCli(args);
      expect(exitCode).toBe(2);
      expect(stderr).toContain("--dtype is an option of transformers, but this weighs for llama.cpp");
    }
    expect((await runCli([LLAMA, "-ctk", "q8_0"])).stderr).toContain("--cache-type-k is an option of llama.cpp");
  });

  it("names the runtimes that can load the format", async () => {
    const { exitCode, stderr } = await runCli([DEMO, "--runtime", "transformers"]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("llama.cpp");
  });
});

describe("a bad model", () => {
  const folder = mkdtempSync(join(tmpdir(), "weighin-cli-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  it("ends with 1 and keeps standard output empty, also with --json", async () => {
    const file = join(folder, "cut.gguf");
    writeFileSync(file, "GGUF\u0003\0\0\0");
    const { exitCode, stdout, stderr } = await runCli([file, "--json"]);
    expect([exitCode, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^weighin: /);
  });

  it("that is not there ends with 1 and says what a source is", async () => {
    const { exitCode, stderr } = await runCli([join(folder, "nowhere.gguf")]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain("nowhere.gguf");
  });

  it.each(["datasets/org/name", "spaces/org/name"])("says that %s is no model", async (source) => {
    const { exitCode, stderr } = await runCli([source]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`names one of the hub's ${source.split("/")[0]}, and only model repos can be weighed`);
  });

  it("names a file that is no model once", async () => {
    const file = join(folder, "package.json");
    writeFileSync(file, "{}");
    expect((await runCli([file])).stderr).toContain(`weighin: ${file} is no weight file`);
    const pickle = join(folder, "pytorch_model.bin");
    writeFileSync(pickle, "x");
    expect((await runCli([pickle])).stderr).toMatch(/^weighin: pytorch_model\.bin in \S+ is a pickle checkpoint/);
  });
});

describe("the hub", () => {
  let hub: MockHub;
  beforeAll(async () => {
    hub = await startMockHub({
      repos: {
        "org/demo-GGUF": { files: { "demo-Q4_K_M.gguf": DEMO, "demo-Q8_0.gguf": join(FILES, "gguf/llama-3.gguf") } },
        "org/gated": { files: { "demo-Q4_K_M.gguf": DEMO }, gated: "manual" },
      },
      tokens: ["hf_good"],
      grantedTokens: ["hf_good"],
    });
  });
  afterAll(() => hub.close());

  it("is found through HF_ENDPOINT, and through --endpoint before that", async () => {
    const environment = { HF_ENDPOINT: hub.url };
    const { exitCode, stdout } = await runCli(["org/demo-GGUF:Q4_K_M"], { environment });
    expect(exitCode).toBe(0);
    expect(stdout).toContain("commit 0123456789ab");
    const wrong = { HF_ENDPOINT: "http://127.0.0.1:1" };
    expect((await runCli(["org/demo-GGUF:Q4_K_M", "--endpoint", hub.url], { environment: wrong })).exitCode).toBe(0);
  });

  it("lists the quantizations there are when one is missing", async () => {
    const { exitCode, stderr } = await runCli(["org/demo-GGUF:Q2_K", "--endpoint", hub.url]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain("Q4_K_M");
    expect(stderr).toContain("Q8_0");
  });

  it("says what a gated repo needs, and takes the token from the environment", async () => {
    const args = ["org/gated", "--endpoint", hub.url];
    const { exitCode, stderr } = await runCli(args);
    expect(exitCode).toBe(1);
    expect(stderr).toContain("HF_TOKEN");
    expect((await runCli(args, { environment: { HF_TOKEN: "hf_good" } })).exitCode).toBe(0);
    expect((await runCli(args, { readText: async () => "hf_good\n" })).exitCode).toBe(0);
  });

  it("never shows the token, not even one that cannot be sent", async () => {
    const broken = await runCli(["org/gated", "--endpoint", hub.url, "--token", "hf_secret0123456789\nx"]);
    expect(broken.exitCode).toBe(2);
    expect(broken.stderr).toContain("--token must be the hub's token alone");
    expect(broken.stderr).not.toContain("hf_secret");
    const inAddress = await runCli(["org/gated", "--endpoint", hub.url.replace("//", "//user:hf_secret@")]);
    expect(inAddress.exitCode).toBe(2);
    expect(inAddress.stderr).toContain("--endpoint must hold no user name or password");
    expect(inAddress.stderr).not.toContain("hf_secret");
    const { stdout, stderr } = await runCli(["org/gated", "--endpoint", hub.url, "--token", "hf_secret0123456789"]);
    expect(stdout + stderr).not.toContain("hf_secret0123456789");
  });

  it("is not asked when offline", async () => {
    hub.reset();
    const args = ["org/demo-GGUF", "--endpoint", hub.url];
    const { exitCode, stderr } = await runCli(args, { environment: { HF_HUB_OFFLINE: "1" } });
    expect(exitCode).toBe(1);
    expect(stderr).toContain("offline");
    expect(hub.stats.hubRequests).toBe(0);
  });

  it("shows progress on a terminal's standard error only, and removes it", async () => {
    let time = 0;
    const now = () => {
      time += 1000;
      return time;
    };
    const args = ["org/demo-GGUF:Q4_K_M", "--endpoint", hub.url];
    const { stdout, stderr } = await runCli(args, { terminal: true, now });
    expect(stderr).toContain("reading headers");
    expect(stderr.endsWith("\r\u001b[K")).toBe(true);
    expect(stdout).not.toContain("reading headers");
    expect((await runCli(args, { now })).stderr).toBe("");
  });

  it("is left alone when the user interrupts", async () => {
    const signal = AbortSignal.abort();
    const { exitCode, stdout, stderr } = await runCli(["org/demo-GGUF", "--endpoint", hub.url], { signal });
    expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 130, stdout: "", stderr: "" });
  });
});

describe("every fixture", () => {
  const files = readdirSync(join(FILES, "gguf")).filter((file) => !file.includes("-of-"));
  it.each(files)("%s is told within 80 columns, and within 62", async (file) => {
    for (const columns of [80, 62]) {
      const pieces: string[] = [];
      const stdout = { isTerminal: true, columns, write: (text: string) => void pieces.push(text) };
      const args = [join(FILES, "gguf", file), "--device", "100MiB"];
      expect((await runCli(args, { stdout, environment: { NO_COLOR: "1" } })).stderr).toBe("");
      expect(
        pieces
          .join("")
          .split("\n")
          .filter((line) => displayWidth(line) > columns),
      ).toEqual([]);
    }
  });
});

describe("a narrow terminal", () => {
  it.each([
    [62, 62],
    [20, 62],
    [200, 80],
  ])("of %i columns gets lines of at most %i", async (columns, most) => {
    const pieces: string[] = [];
    const stdout = { isTerminal: true, columns, write: (text: string) => void pieces.push(text) };
    await runCli([DEMO, "--device", "24GiB"], { stdout, environment: { NO_COLOR: "1" } });
    expect(pieces.join("")).toContain("Fits on GPU0");
    expect(
      pieces
        .join("")
        .split("\n")
        .filter((line) => displayWidth(line) > most),
    ).toEqual([]);
  });
});

describe("one screen", () => {
  it("is at most 42 lines, also with a device", async () => {
    for (const file of ["demo.gguf", "gguf/gemma3.gguf", "gguf/llama-3.gguf"]) {
      const { stdout } = await runCli([join(FILES, file), "--device", "24GiB"]);
      expect(stdout.trimEnd().split("\n").length).toBeLessThanOrEqual(42);
    }
  });
});

describe("colours", () => {
  it("are used on a terminal, unless NO_COLOR or a dumb terminal says otherwise", async () => {
    const isColoured = async (environment: Record<string, string>) =>
      (await runCli([DEMO], { terminal: true, environment })).stdout.includes("\u001b[1m");
    expect(await isColoured({})).toBe(true);
    expect(await isColoured({ NO_COLOR: "1" })).toBe(false);
    expect(await isColoured({ NO_COLOR: "" })).toBe(true);
    expect(await isColoured({ TERM: "dumb" })).toBe(false);
  });
});
