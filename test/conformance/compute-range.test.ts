import { describe, expect, it } from "vitest";
import { holeyFile } from "../../conformance/holey-file.ts";
import { ggufOfKeys } from "../../conformance/llama-cpp/architectures/keys.ts";
import { deviceName } from "../../conformance/llama-cpp/placed.ts";
import { PLACEMENTS, type PlacedWorkload } from "../../conformance/llama-cpp/placements.ts";
import { keysOfRows, readWholeModels } from "../../conformance/llama-cpp/whole-models/golden.ts";
import { unfoldTensors } from "../../conformance/llama-cpp/whole-models/tensors.ts";
import { WHOLE_WORKLOADS } from "../../conformance/llama-cpp/whole-models/workloads.ts";
import { inspectModel } from "../../src/inspect.ts";
import type { Model } from "../../src/model/model.ts";
import type { MemoryItem } from "../../src/runtimes/estimate.ts";
import { estimateMemory } from "../../src/runtimes/estimate-memory.ts";
import { blockCount } from "../../src/runtimes/llama-cpp/cached-layers.ts";
import { batchFitsContext, cellsOf } from "../../src/runtimes/llama-cpp/cells.ts";
import { formItems } from "../../src/runtimes/llama-cpp/compute-form.ts";
import { WITHOUT_COMPUTE_FORM } from "../../src/runtimes/llama-cpp/engine-facts.ts";
import { placeBlocks } from "../../src/runtimes/llama-cpp/placement.ts";
import { resolveSettings } from "../../src/runtimes/llama-cpp/settings.ts";
import { placeTensors } from "../../src/runtimes/llama-cpp/tensor-place.ts";

const keysOf = keysOfRows();
const { rows } = readWholeModels();

/** Compute buffers by the closed form, whether or not the graph can be drawn. */
function byClosedForm(model: Model, workload: PlacedWorkload): MemoryItem[] | null {
  const settings = resolveSettings(model, { runtime: "llama.cpp", ...workload });
  const placement = placeBlocks(settings, blockCount(model));
  const places = placeTensors(model, settings, placement);
  const { totals } = estimateMemory(model, { runtime: "llama.cpp", ...workload });
  const cells = cellsOf(settings, batchFitsContext(model));
  return formItems(model, settings, cells, placement, places, totals.cache ?? 0);
}

describe("the range of compute buffers without a graph", () => {
  /** Architectures of which the form has said something. */
  const formed = new Set<string>();

  it.each(rows.map((row) => [`${row.keys} ${row.architecture} ${row.title}${row.tied ? " tied" : ""}`, row] as const))(
    "%s: holds what the engine reserves",
    async (_name, row) => {
      const keys = keysOf(row);
      const model = await inspectModel(holeyFile(ggufOfKeys(row.architecture, keys.keys, unfoldTensors(row.tensors))));
      const reserved = [
        ...WHOLE_WORKLOADS.map((workload, index) => {
          const answer = row.answers[index];
          return { workload, bytes: Array.isArray(answer) ? [answer[3]] : [] };
        }),
        ...PLACEMENTS.map((workload, index) => {
          const answer = row.placed[index];
          return { workload, bytes: Array.isArray(answer) ? answer.map(([, , compute]) => compute) : [] };
        }),
      ];
      const outside = reserved.flatMap(({ workload, bytes }) => {
        if (bytes.length === 0) return [];
        const items = byClosedForm(model, workload);
        if (items === null) return [];
        formed.add(row.architecture);
        return bytes.flatMap((theirs, index) => {
          const own = items.filter(({ device }) => device === deviceName(index));
          const low = own.reduce((sum, item) => sum + (item.low ?? item.bytes), 0);
          const high = own.reduce((sum, item) => sum + (item.high ?? item.bytes), 0);
          return low <= theirs && theirs <= high
            ? []
            : [`${JSON.stringify(workload)} ${deviceName(index)}: ${low} to ${high}, llama.cpp ${theirs}`];
        });
      });
      expect(outside).toEqual([]);
    },
  );

  it("is of all architectures but those that are known to have none", () => {
    const silent = new Set(rows.flatMap(({ architecture }) => (formed.has(architecture) ? [] : [architecture])));
    expect(silent).toEqual(new Set([...WITHOUT_COMPUTE_FORM, "t5encoder"]));
  });
});
