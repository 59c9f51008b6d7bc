import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bool, f32, text, u32, writeGguf } from "../../fixtures/write-gguf.ts";
import { inspectModel } from "../../src/inspect.ts";
import { estimateMemory } from "../../src/runtimes/estimate-memory.ts";
import { runCli } from "./surroundings.ts";

const FILES = join(import.meta.dirname, "../../fixtures/files");
const DEMO = join(FILES, "demo.gguf");
const LLAMA = join(FILES, "safetensors/llama-3");
const folder = mkdtempSync(join(tmpdir(), "weighin-beside-"));
const MODEL = join(folder, "demo-Q4_K_M.gguf");
const PROJECTOR = join(folder, "mmproj-F16.gguf");

beforeAll(() => {
  copyFileSync(DEMO, MODEL);
  const projector = writeGguf({
    keys: [
      ["general.architecture", text("clip")],
      ["clip.has_vision_encoder", bool(true)],
      ["clip.projector_type", text("gemma3")],
      ["clip.vision.image_size", u32(56)],
      ["clip.vision.patch_size", u32(14)],
      ["clip.vision.embedding_length", u32(32)],
      ["clip.vision.feed_forward_length", u32(64)],
      ["clip.vision.block_count", u32(1)],
      ["clip.vision.projection_dim", u32(64)],
      ["clip.vision.attention.head_count", u32(2)],
      ["clip.vision.attention.layer_norm_epsilon", f32(1e-6)],
    ],
    tensors: [
      { name: "v.patch_embd.weight", type: "F16", shape: [14, 14, 3, 32] },
      { name: "mm.input_projection.weight", type: "F16", shape: [64, 32] },
    ],
  });
  writeFileSync(PROJECTOR, projector);
});
afterAll(() => rmSync(folder, { recursive: true }));

type Estimate = { readonly items: { label: string; device: string }[]; readonly workload: Record<string, unknown> };

async function estimateOf(...args: string[]): Promise<Estimate> {
  const { stdout, stderr } = await runCli([...args, "--json"]);
  expect(stderr).toBe("");
  return JSON.parse(stdout).memory[0];
}
const labels = ({ items }: Estimate, start: string) =>
  items.filter(({ label }) => label.startsWith(start)).map(({ label, device }) => `${device} ${label}`);

describe("a projector on the command line", () => {
  it("beside the model is told of, and not counted", async () => {
    const { stdout, exitCode } = await runCli([folder]);
    expect(stdout).toContain("mmproj-F16.gguf is its projector: --mmproj-auto counts it too.");
    expect(stdout).not.toContain("projector weights");
    expect(exitCode).toBe(0);
    expect((await runCli([folder, "--no-mmproj"])).stdout).not.toContain("mmproj");
    expect((await runCli([DEMO])).stdout).not.toContain("mmproj");
  });

  it("is counted when it is named, by a path or by its name beside the model, or looked for", async () => {
    const model = await inspectModel(MODEL);
    const projector = await inspectModel(PROJECTOR);
    const { items } = estimateMemory(model, { runtime: "llama.cpp", contextTokens: 512, projector });
    for (const asked of [["--mmproj", PROJECTOR], ["-mm", "mmproj-F16.gguf"], ["--mmproj-auto"]]) {
      expect((await estimateOf(MODEL, "-c", "512", ...asked)).items).toEqual(items);
    }
    expect((await runCli([MODEL, "--mmproj-auto", "--strict"])).stdout).toContain("projector weights, vision");
  });

  it("lies on the GPU or on the CPU", async () => {
    const asked = [folder, "--mmproj-auto", "-d", "8GiB"];
    expect(labels(await estimateOf(...asked), "projector weights")).toEqual(["GPU0 projector weights, vision"]);
    const onHost = await estimateOf(...asked, "--no-mmproj-offload");
    expect(labels(onHost, "projector weights")).toEqual(["CPU projector weights, vision"]);
  });

  it("that is not there, or is no projector, is refused", async () => {
    const none = await runCli([DEMO, "--mmproj-auto"]);
    expect([none.exitCode, none.stdout]).toEqual([2, ""]);
    expect(none.stderr).toContain("no projector beside the model");
    const wrong = await runCli([MODEL, "--mmproj", DEMO]);
    expect(wrong.stderr).toContain("is no projector");
    const transformers = await runCli([LLAMA, "--mmproj", PROJECTOR]);
    expect([transformers.exitCode, transformers.stdout]).toEqual([2, ""]);
    expect(transformers.stderr).toContain("--mmproj is an option of llama.cpp");
  });
});

describe("a draft on the command line", () => {
  it("has lines of its own, by llama.cpp's names for its options", async () => {
    const made = await estimateOf(MODEL, "-md", DEMO, "-ctkd", "q8_0", "-d", "8GiB", "-ngld", "1");
    expect(labels(made, "draft: KV cache")).toEqual([
      expect.stringMatching(/^CPU draft: KV cache, 2 layers x \d+ cells, q8_0\/f16$/),
    ]);
    expect(made.workload["draft"]).toEqual({ source: DEMO, architecture: "llama" });
  });

  it("may be the model's own MTP blocks, where it has some", async () => {
    const { stderr, exitCode } = await runCli([MODEL, "--spec-type", "draft-mtp"]);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining("no MTP blocks")]);
  });
});
