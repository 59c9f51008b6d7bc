import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inspectModel, inspectModels, type Progress } from "../src/index.ts";
import { type MockHub, type MockRepo, startMockHub } from "./hub/mock-hub.ts";

const ROOT = join(import.meta.dirname, "..");
const FILES = join(ROOT, "fixtures", "files");
const GGUF = readFileSync(join(FILES, "gguf", "llama-3.gguf"));
const SAFETENSORS = readFileSync(join(FILES, "safetensors", "llama-3", "model.safetensors"));
const CONFIG = readFileSync(join(FILES, "safetensors", "llama-3", "config.json"));
let hub: MockHub;

beforeAll(async () => {
  const repos: Record<string, MockRepo> = { "org/gated": { files: {}, gated: "manual" } };
  for (let index = 0; index < 12; index++) {
    repos[`org/gguf-${index}`] = { files: { "m-Q8_0.gguf": GGUF } };
    repos[`org/st-${index}`] = { files: { "model.safetensors": SAFETENSORS, "config.json": CONFIG } };
  }
  hub = await startMockHub({ repos });
});

afterAll(() => hub.close());

describe("inspectModels", () => {
  test("gives each model as inspectModel does, in the order asked", async () => {
    const sources = ["org/st-1", "org/gguf-0", join(FILES, "demo.gguf"), "org/gguf-1"];
    const options = { endpoint: hub.url };
    const outcomes = await inspectModels(sources, options);
    expect(outcomes.map(({ source }) => source)).toEqual(sources);
    expect(outcomes.map(({ model }) => model)).toEqual(
      await Promise.all(sources.map((source) => inspectModel(source, options))),
    );
  });

  test("gives the failures of single sources beside the models", async () => {
    const sources = ["org/gguf-0", "org/nothing", "missing.gguf", "org/st-0", "bad source"];
    const outcomes = await inspectModels(sources, { endpoint: hub.url });
    expect(outcomes.map(({ model, error }) => model?.format ?? error?.code)).toEqual([
      "gguf",
      "repo-not-found",
      "not-found",
      "safetensors",
      "invalid-source",
    ]);
  });

  test("keeps limits.concurrency over all of them together", async () => {
    const sources = Array.from({ length: 12 }, (_, index) => [`org/gguf-${index}`, `org/st-${index}`]).flat();
    let open = 0;
    let most = 0;
    const counting: typeof fetch = async (...asked) => {
      open += 1;
      most = Math.max(most, open);
      try {
        return await fetch(...asked);
      } finally {
        open -= 1;
      }
    };
    const outcomes = await inspectModels(sources, {
      endpoint: hub.url,
      fetch: counting,
      limits: { concurrency: 3 },
    });
    expect(outcomes.filter(({ model }) => model !== undefined)).toHaveLength(24);
    expect(most).toBe(3);
  });

  test("shares the time for all of them", async () => {
    const silent = await startMockHub({ repos: {} });
    silent.fault = () => ({ neverAnswer: true });
    const outcomes = await inspectModels(["org/a", "org/b", "org/c"], {
      endpoint: silent.url,
      timeoutMs: 300,
      limits: { concurrency: 1 },
    });
    await silent.close();
    expect(outcomes.map(({ error }) => error?.code)).toEqual(["timeout", "timeout", "timeout"]);
  });

  test("adds up the progress", async () => {
    const told: Progress[] = [];
    await inspectModels(["org/gguf-0", "org/gguf-1", "org/st-0"], {
      endpoint: hub.url,
      onProgress: (progress) => void told.push(progress),
    });
    expect(told.at(-1)).toMatchObject({ files: 3, filesRead: 3 });
    const bytes = told.map(({ bytesRead }) => bytesRead);
    expect(bytes).toEqual(bytes.toSorted((a, b) => a - b));
  });

  test("rejects with the caller's reason when it aborts, and for a wrong option", async () => {
    const reason = new Error("enough");
    await expect(inspectModels(["org/gguf-0"], { endpoint: hub.url, signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
    await expect(inspectModels(["org/gguf-0"], { timeoutMs: -1 })).rejects.toMatchObject({ code: "invalid-option" });
  });

  test("of none is none", async () => {
    expect(await inspectModels([])).toEqual([]);
  });

  test("leaves nothing behind but its results", async () => {
    const script = join(ROOT, "bench", "many.ts");
    const flags = ["--expose-gc", "--import", "tsx", script, "--models", "60", "--json"];
    const { stdout } = await promisify(execFile)(process.execPath, flags, { cwd: ROOT });
    const { models, failed, leftBytesPerModel, mostAtOnce } = JSON.parse(stdout);
    expect({ models, failed }).toEqual({ models: 60, failed: 0 });
    expect(mostAtOnce).toBeLessThanOrEqual(20);
    // What the process itself keeps, up to 120 KB, is shared out over few models here; one that leaks leaves its tensors.
    expect(leftBytesPerModel).toBeLessThan(8_000);
  }, 60_000);
});
