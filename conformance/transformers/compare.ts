import type { Model } from "../../src/model/model.ts";
import { estimateMemory } from "../../src/runtimes/estimate-memory.ts";
import type { TransformersWorkload } from "../../src/runtimes/transformers/workload.ts";
import { VERSIONS, type Version } from "./engine.ts";
import type { CacheRow, ModelRow } from "./golden.ts";

/** Where weighin's figures for one model differ from what transformers had in memory; empty when nowhere. */
export function compareModel(model: Model, row: ModelRow, version: Version): string[] {
  if ("refused" in row) return [];
  const asked = `${version} ${row.model} ${row.dtype}`;
  const differences = row.caches.flatMap((cache) => {
    const ours = estimateMemory(model, { ...workload(row, cache), version }).totals.cache;
    return ours === cache.cacheBytes
      ? []
      : [`${asked} ${JSON.stringify(cache)}: cache ${ours}, transformers ${cache.cacheBytes}`];
  });
  // Releases before the newest unpack to bfloat16 whatever type is asked for.
  if (model.quantization !== null && version !== VERSIONS[0]) return differences;
  // What the file holds; the buffers beside it are compared for every model type.
  const { items } = estimateMemory(model, { runtime: "transformers", contextTokens: 1, dtype: row.dtype, version });
  const weights = items[0]?.bytes;
  const theirs = Object.values(row.weightBytes).reduce((sum, bytes) => sum + bytes, 0);
  if (weights !== theirs) differences.push(`${asked}: weights ${weights}, transformers ${theirs}`);
  return differences;
}

function workload({ dtype }: ModelRow, row: CacheRow): TransformersWorkload {
  const contextTokens = row.cache === "static" ? row.contextTokens : row.promptTokens + row.newTokens;
  return { runtime: "transformers", dtype, cache: row.cache, sequences: row.sequences, contextTokens };
}
