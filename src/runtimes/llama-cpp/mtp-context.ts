import type { Mixer } from "../../model/mixer.ts";
import type { Model } from "../../model/model.ts";
import { refuse } from "../refuse.ts";
import { type CachedLayer, predictingLayers } from "./cached-layers.ts";
import type { Cells } from "./cells.ts";

/** Architectures whose MTP context the engine was asked about (`conformance/llama-cpp/golden/mtp.json`). */
export const PROVEN_MTP: ReadonlySet<string> = new Set([
  "bailingmoe3",
  "cohere2moe",
  "deepseek2",
  "deepseek32",
  "glm-dsa",
  "glm4moe",
  "hy_v3",
  "nemotron_h_moe",
  "qwen35",
  "qwen35moe",
  "qwen3next",
  "step35",
]);

/** Architectures with a graph of their MTP blocks (`LLM_GRAPH_TYPE_DECODER_MTP`, llama.cpp 0.5.0 `src/models/`). */
const WITH_GRAPH: ReadonlySet<string> = new Set([...PROVEN_MTP, "deepseek4", "mimo2"]);

/** MTP blocks are only believed in where this tensor of theirs is there (`src/models/deepseek4.cpp:20-26`). */
const PROBED: ReadonlyMap<string, RegExp> = new Map([["deepseek4", /^blk\.\d+\.nextn\.eh_proj\.weight$/]]);

/** The indexer is left out: MTP blocks attend to everything (`src/llama-model.cpp:2314-2318`). */
const WITHOUT_INDEXER: ReadonlySet<string> = new Set(["deepseek32", "glm-dsa"]);

/** Whether the engine can run a context over the MTP blocks alone. */
export function hasMtpGraph({ architecture, mtpLayerCount, tensors }: Model): boolean {
  const name = architecture ?? "";
  const probe = PROBED.get(name);
  const found = probe === undefined || tensors.some((tensor) => probe.test(tensor.name));
  return mtpLayerCount > 0 && WITH_GRAPH.has(name) && found;
}

/** Refuses an MTP context that `llama_init_from_model` refuses, or has no use for. */
export function refuseMtpContext(model: Model): void {
  if (hasMtpGraph(model)) return;
  const why =
    model.mtpLayerCount === 0 || WITH_GRAPH.has(model.architecture ?? "")
      ? "this model has no MTP blocks, and llama.cpp refuses an MTP context for it"
      : `llama.cpp 0.5.0 does not run the MTP blocks of ${model.architecture}`;
  refuse("mtpContext", why);
}

/**
 * Layers with a cache in a context of type MTP: those that predict further tokens, with keys and values like any other, also
 * in hybrids (`mtp_on_hybrid_qwen`, `src/llama-model.cpp:2537`).
 */
export function mtpLayers(model: Model): readonly CachedLayer[] {
  const plain = WITHOUT_INDEXER.has(model.architecture ?? "");
  return predictingLayers(model).map(({ mixer, block }) => ({ mixer: drafting(mixer, plain), block }));
}

/** The cache of a compressed model's MTP blocks is unified where the others are, unlike its main one (`src/llama-model.cpp:2470`). */
export function mtpCells(cells: Cells): Cells {
  return { ...cells, perSequence: cells };
}

/** Without rows that stand for several tokens. */
function drafting(mixer: Mixer, plain: boolean): Mixer {
  if (mixer.kind === "attention") {
    const { compression: _, ...attention } = mixer;
    return attention;
  }
  if (mixer.kind !== "latent" || !plain) return mixer;
  const { indexer: _, ...latent } = mixer;
  return latent;
}
