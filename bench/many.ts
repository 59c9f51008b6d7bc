/**
 * Many models in one run against the mock hub: what they leave on the heap beside the results, whether the wall time grows
 * with their number and no faster, and how many requests were under way at once.
 *
 *   node --expose-gc --import tsx bench/many.ts [--models 1000] [--json] [--check]
 *
 * Half are GGUF, half safetensors of two shards with a config.json. The hub runs in a process of its own. Some rounds
 * warm up what is made once (compiled code, connections); of the last, the heap is compared before and after, once with
 * the results held and once with them dropped.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { entry, writeSafetensors } from "../test/formats/write-safetensors.ts";
import { type MockRepo, startMockHub } from "../test/hub/mock-hub.ts";

const FILES = join(import.meta.dirname, "..", "fixtures", "files");
const CONCURRENCY = 20;
const WARM_UPS = 5;

function repos(count: number): Record<string, MockRepo> {
  const gguf = readFileSync(join(FILES, "gguf", "llama-3.gguf"));
  const weights = readFileSync(join(FILES, "safetensors", "llama-3", "model.safetensors"));
  const config = readFileSync(join(FILES, "safetensors", "llama-3", "config.json"));
  const beside = writeSafetensors({ header: entry("F32", [4], [0, 16]), dataBytes: 16 });
  return Object.fromEntries(
    Array.from({ length: count }, (_, index): [string, MockRepo] => [
      `org/model-${index}`,
      {
        files:
          index % 2 === 0
            ? { "m-Q8_0.gguf": gguf }
            : {
                "config.json": config,
                "model-00001-of-00002.safetensors": weights,
                "model-00002-of-00002.safetensors": beside,
              },
      },
    ]),
  );
}

/** The hub, apart, so that its own heap is not measured. */
async function serve(count: number): Promise<void> {
  const hub = await startMockHub({ repos: repos(count) });
  process.send?.(hub.url);
  process.once("disconnect", () => process.exit(0));
}

async function heapBytes(): Promise<number> {
  // Connections that are put back, and generators that are ended, are let go of in later turns.
  for (let turn = 0; turn < 3; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    globalThis.gc?.();
  }
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + arrayBuffers;
}

async function measure(): Promise<void> {
  const { values } = parseArgs({
    options: { models: { type: "string", default: "1000" }, json: { type: "boolean" }, check: { type: "boolean" } },
  });
  const models = Number(values.models);
  const { inspectModels } = await import("../src/index.ts");
  const child = fork(fileURLToPath(import.meta.url), ["--serve", String(models)], { execArgv: ["--import", "tsx"] });
  const [endpoint] = (await once(child, "message")) as [string];
  let open = 0;
  let mostAtOnce = 0;
  const counting: typeof fetch = async (...asked) => {
    open += 1;
    mostAtOnce = Math.max(mostAtOnce, open);
    return fetch(...asked).finally(() => {
      open -= 1;
    });
  };
  const round = async (count: number) => {
    const sources = Array.from({ length: count }, (_, index) => `org/model-${index}`);
    const start = performance.now();
    const outcomes = await inspectModels(sources, {
      endpoint,
      fetch: counting,
      limits: { concurrency: CONCURRENCY },
    });
    return { outcomes, wallMs: performance.now() - start };
  };
  for (let warmUp = 0; warmUp < WARM_UPS; warmUp++) await round(Math.min(models, 200));
  // Collecting garbage by hand also drops compiled code: both rounds begin after that.
  await heapBytes();
  const half = (await round(models / 2)).wallMs;
  const before = await heapBytes();
  let whole: Awaited<ReturnType<typeof round>> | undefined = await round(models);
  const wallMs = whole.wallMs;
  const held = await heapBytes();
  const failed = whole.outcomes.filter(({ error }) => error !== undefined).length;
  whole = undefined;
  const dropped = await heapBytes();
  child.disconnect();
  const result = {
    models,
    failed,
    wallMs,
    wallOfHalfMs: half,
    wallGrowth: wallMs / half,
    mostAtOnce,
    resultBytesPerModel: Math.round((held - dropped) / models),
    leftBytesPerModel: Math.round((dropped - before) / models),
  };
  if (values.json) console.log(JSON.stringify(result));
  else
    console.log(
      `${models} models, ${failed} failed: ${wallMs.toFixed(0)} ms, ${result.wallGrowth.toFixed(2)} times half as many; ` +
        `${mostAtOnce} requests at once at most; ${result.resultBytesPerModel} bytes a result, ${result.leftBytesPerModel} left behind`,
    );
  const isGood = failed === 0 && mostAtOnce <= CONCURRENCY && result.wallGrowth < 3 && result.leftBytesPerModel < 1_000;
  if (values.check && !isGood) process.exitCode = 1;
}

const served = process.argv.indexOf("--serve");
if (served >= 0) await serve(Number(process.argv[served + 1]));
else await measure();
