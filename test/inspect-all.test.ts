import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inspectAll, inspectModel, type Model } from "../src/index.ts";
import { DEFAULT_COMMIT, type MockFile, type MockHub, startMockHub } from "./hub/mock-hub.ts";
import { type Lie, writeQuant } from "./quants/llama-3-8b.ts";
import { QUANTS } from "./quants/mix.ts";

const FIXTURES = join(import.meta.dirname, "..", "fixtures", "files");
const NAME = "Meta-Llama-3-8B-Instruct";
const LIES: { readonly [name: string]: Lie } = {
  "has a token more": { oneTokenMore: true },
  "has a token longer and a merge shorter": { otherTokens: true },
  "has two merges in one": { oneMergeFewer: true },
  "has its merges before its tokens": { swapped: true },
  "has a key between the arrays": { keyBetween: true },
  "has bytes after its tensors": { trailingBytes: 64 },
};
let hub: MockHub;

const slug = (title: string): string => title.replaceAll(" ", "-");

beforeAll(async () => {
  const quants: Record<string, MockFile> = {};
  for (const quant of QUANTS) quants[`${NAME}-${quant}.gguf`] = writeQuant(quant);
  const repos = { "org/quants": { files: quants } };
  for (const [title, lie] of Object.entries(LIES)) {
    Object.assign(repos, {
      [`org/${slug(title)}`]: {
        files: { "m-Q4_K_M.gguf": writeQuant("Q4_K_M"), "m-Q6_K.gguf": writeQuant("Q6_K", lie) },
      },
    });
  }
  // Paced: what is sent after a header's end, before the reader has said so, is bounded by the line.
  hub = await startMockHub({ repos, bytesPerSecond: 50_000_000 });
});

afterAll(() => hub.close());

const options = () => ({ endpoint: hub.url });

/** All of a model but how it was asked for and what reading it took. */
function facts({ source: { files }, ...model }: Model) {
  return { ...model, files };
}

async function oneByOne(sources: readonly string[]): Promise<readonly Model[]> {
  return Promise.all(sources.map((source) => inspectModel(source, options())));
}

describe("inspectAll", () => {
  test("reads twenty quantizations for half as much again as one, each as if read in full", async () => {
    hub.reset();
    const outcomes = await inspectAll("org/quants", options());
    const { bodyBytes, cdnRequests } = hub.stats;
    const models = outcomes.flatMap(({ model }) => model ?? []);
    expect(models).toHaveLength(20);
    const largest = Math.max(...models.map(({ source }) => source.files[0]?.headerBytes ?? 0));
    expect(largest).toBeGreaterThan(7_000_000);
    expect(bodyBytes / largest).toBeLessThanOrEqual(1.5);
    // The first by one; of the others the front, two places between arrays, and what follows them.
    expect(cdnRequests).toBeLessThanOrEqual(1 + 19 * 4);
    const whole = await oneByOne(outcomes.map(({ source }) => source));
    expect(models.map(facts)).toEqual(whole.map(facts));
  }, 60_000);

  test("weighs the quantizations as llama-quantize makes them", async () => {
    const outcomes = await inspectAll("org/quants:Q4_K_M", options());
    // llama.cpp's own table has 4.58 GiB; to the byte, Llama-3.1-8B has the 256 of rope_freqs more.
    expect(outcomes.map(({ model }) => model?.weights.bytes)).toEqual([4_912_898_304 - 256]);
  });

  test.each(Object.keys(LIES))("reads a sibling in full that %s", async (title) => {
    const outcomes = await inspectAll(`org/${slug(title)}`, options());
    const whole = await oneByOne(outcomes.map(({ source }) => source));
    expect(outcomes.map(({ model }) => model && facts(model))).toEqual(whole.map(facts));
    const sibling = outcomes.find(({ source }) => source.includes("Q6_K"))?.model;
    expect(sibling?.source.bytesRead).toBeGreaterThan(1_000_000);
  });

  test("names each model as inspectModel takes it, at the commit", async () => {
    const outcomes = await inspectAll("org/has-a-token-more", options());
    expect(outcomes.map(({ source }) => source)).toEqual([
      `hf://org/has-a-token-more@${DEFAULT_COMMIT}/m-Q4_K_M.gguf`,
      `hf://org/has-a-token-more@${DEFAULT_COMMIT}/m-Q6_K.gguf`,
    ]);
  });

  test("tells of no choice among the models that it all reads", async () => {
    const outcomes = await inspectAll("org/has-a-token-more", { ...options(), strict: true });
    expect(outcomes.flatMap(({ model }) => model?.diagnostics ?? [])).toEqual([]);
  });

  test("reads the models of a directory, alike or not", async () => {
    const outcomes = await inspectAll(join(FIXTURES, "gguf"));
    expect(outcomes.length).toBeGreaterThan(20);
    for (const { source, model } of outcomes) {
      expect(model && facts(model), source).toEqual(facts(await inspectModel(source)));
    }
  });

  test("reads a model that is alone", async () => {
    const [only, ...others] = await inspectAll(join(FIXTURES, "safetensors", "llama-3"));
    expect(others).toEqual([]);
    expect(only?.model?.format).toBe("safetensors");
  });

  test("names a set of which a part is missing, and reads the others", async () => {
    hub.repos.set("org/broken", {
      files: { "m-Q4_K_M.gguf": writeQuant("Q4_K_M"), "m-Q8_0-00001-of-00002.gguf": writeQuant("Q8_0") },
    });
    const outcomes = await inspectAll("org/broken", options());
    expect(outcomes.map(({ model, error }) => model?.architecture ?? error?.code)).toEqual(["llama", "missing-shard"]);
  });

  test("rejects where there is nothing to list", async () => {
    await expect(inspectAll("org/nothing", options())).rejects.toMatchObject({ code: "repo-not-found" });
  });
});
