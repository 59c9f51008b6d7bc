import { describe, expect, it } from "vitest";
import { LINES } from "../../conformance/llama-cpp/arguments/lines.ts";
import { type ParsedLine, readParsedLines } from "../../conformance/llama-cpp/arguments/parsed.ts";
import { DENSE, EXPERTS } from "../../conformance/llama-cpp/placements.ts";
import { parseArguments } from "../../src/cli/options.ts";
import { UsageError } from "../../src/cli/usage-error.ts";
import { workloadsFor } from "../../src/cli/workloads.ts";
import { estimateMemory } from "../../src/runtimes/estimate-memory.ts";
import { LLAMA_CPP_VERSION } from "../../src/runtimes/llama-cpp/version.ts";
import { model } from "../support/model.ts";

const TRAINED = 131_072;
const { engine, rows } = readParsedLines();

/** The settings that a pasted line comes to, or why it is refused. */
function settingsOf(line: string): { readonly [option: string]: unknown } {
  const parsed = parseArguments(["--", ...line.split(" ")], "0");
  if (parsed.kind !== "request") throw new Error("got text");
  const weighed = model({ trainedContext: TRAINED });
  const [workload] = workloadsFor(weighed, parsed.request);
  if (workload === undefined) throw new Error("no workload");
  return estimateMemory(weighed, workload).workload;
}

/** Patterns of `--override-tensor` that settings stand for, in the order in which llama.cpp asks them. */
function patternsOf(settings: { readonly [option: string]: unknown }): readonly string[] {
  const rules = settings["overrideTensors"] as readonly { readonly pattern: string }[];
  const blocks = (count: unknown, part: string): string[] =>
    count === "all" ? [part] : Array.from({ length: Number(count) }, (_, block) => `blk\\.${block}${part}`);
  return [
    ...rules.map(({ pattern }) => pattern),
    ...blocks(settings["cpuMoeLayers"], EXPERTS),
    ...blocks(settings["cpuFeedForwardLayers"], DENSE),
  ];
}

/** The same of llama.cpp's own words, after what its server settles itself (`tools/server/server.cpp:150-161`). */
function wanted(parsed: ParsedLine): { readonly [option: string]: unknown } {
  const automatic = parsed.n_parallel < 0;
  return {
    contextTokens: parsed.n_ctx === 0 ? TRAINED : parsed.n_ctx,
    batchTokens: parsed.embedding ? Math.min(parsed.n_batch, parsed.n_ubatch) : parsed.n_batch,
    microBatchTokens: parsed.n_ubatch,
    sequences: automatic ? 4 : parsed.n_parallel,
    unifiedCache: automatic || parsed.kv_unified,
    gpuLayers: parsed.n_gpu_layers < 0 ? "all" : parsed.n_gpu_layers,
    splitMode: ["none", "layer", "row", "tensor"][parsed.split_mode],
    mainGpu: parsed.main_gpu,
    tensorSplit: parsed.tensor_split.slice(0, parsed.tensor_split.findLastIndex((share) => share > 0) + 1),
    offloadCache: !parsed.no_kv_offload,
    operatorOffload: !parsed.no_op_offload,
    pinnedHost: !parsed.no_host,
    fullSlidingWindowCache: parsed.swa_full,
    embeddings: parsed.embedding,
    cacheTypeK: parsed.cache_type_k,
    cacheTypeV: parsed.cache_type_v,
    flashAttention: ["auto", "off", "on"][parsed.flash_attn + 1],
    draftTokens: parsed.draft_n_max,
  };
}

describe("a pasted command line, held against llama.cpp's own parser", () => {
  it("is every line of the list, in the release whose rules these are", () => {
    expect(engine.version).toBe(LLAMA_CPP_VERSION);
    expect(rows.map(({ line }) => line)).toEqual(LINES);
  });

  it.each(rows)("$line", ({ line, parsed }) => {
    if ("refused" in parsed) {
      expect(() => settingsOf(line)).toThrow(UsageError);
      return;
    }
    const settings = settingsOf(line);
    expect(settings).toMatchObject(wanted(parsed));
    expect(patternsOf(settings)).toEqual(parsed.overrides);
  });
});
