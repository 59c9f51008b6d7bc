import type { GgufTensor } from "../../../fixtures/write-gguf.ts";
import { inspectModel } from "../../../src/inspect.ts";
import type { Model } from "../../../src/model/model.ts";
import { blockCount } from "../../../src/runtimes/llama-cpp/cached-layers.ts";
import { batchFitsContext, cellsOf } from "../../../src/runtimes/llama-cpp/cells.ts";
import { WITHOUT_FLASH_ATTENTION } from "../../../src/runtimes/llama-cpp/engine-facts.ts";
import { type GraphBuilder, type GraphSubject, graphSubject } from "../../../src/runtimes/llama-cpp/graph/context.ts";
import { type DrawnGraph, drawGraph } from "../../../src/runtimes/llama-cpp/graph/draw.ts";
import { placeBlocks } from "../../../src/runtimes/llama-cpp/placement.ts";
import { batchesOf } from "../../../src/runtimes/llama-cpp/reserve.ts";
import { resolveSettings } from "../../../src/runtimes/llama-cpp/settings.ts";
import { placeTensors } from "../../../src/runtimes/llama-cpp/tensor-place.ts";
import { holeyFile } from "../../holey-file.ts";
import { ggufOfKeys } from "../architectures/keys.ts";
import type { PlacedWorkload } from "../placements.ts";
import { keysOfRows, readWholeModels } from "../whole-models/golden.ts";
import { unfoldTensors } from "../whole-models/tensors.ts";
import { draftsFor, type GraphModel } from "./models.ts";

/** The model that a draft is for, as the engine makes up its tensors beside the draft: all of 32 bits. */
export async function targetOf(model: GraphModel): Promise<Model | undefined> {
  const name = draftsFor(model);
  if (name === undefined) return undefined;
  const row = readWholeModels().rows.find(({ architecture, tied }) => architecture === name && !tied);
  if (row === undefined) return undefined;
  const tensors = unfoldTensors(row.tensors).map(({ name, shape }): GgufTensor => ({ name, type: "F32", shape }));
  return inspectModel(holeyFile(ggufOfKeys(row.architecture, keysOfRows()(row).keys, tensors)));
}

/** A model in the context of a workload, as `estimateMemory` has it; a draft beside its target in the same. */
export function subjectOf(model: Model, workload: PlacedWorkload, target?: Model): GraphSubject {
  const settings = resolveSettings(model, { runtime: "llama.cpp", ...workload });
  const placement = placeBlocks(settings, blockCount(model));
  return graphSubject({
    model,
    settings,
    placement,
    places: placeTensors(model, settings, placement),
    cells: cellsOf(settings, batchFitsContext(model)),
    ...(target && { target: subjectOf(target, workload) }),
  });
}

/** The graph of a prompt, which `ask --graph` writes: all logits of its tokens are put out. */
export function drawnOnHost(subject: GraphSubject, builder: GraphBuilder): DrawnGraph {
  const { settings, cells, model } = subject;
  const flashAttention = settings.flashAttention !== "off" && !WITHOUT_FLASH_ATTENTION.has(model.architecture ?? "");
  const [batch] = batchesOf(subject, { flashAttention, hyperPre: true, hyperCombine: true, hyperPost: true });
  if (batch === undefined) throw new Error("no batch");
  return drawGraph(subject, { ...batch, outputs: Math.min(cells.full * cells.streams, cells.microBatch) }, builder);
}
