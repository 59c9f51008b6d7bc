import { chatglm, minimax, neoxReward, pangu, qwen, type ShapeRule } from "./published-shapes.ts";
import { logics, molmo, molmoDtype } from "./published-towers.ts";

/**
 * One published index, and where the shapes of the tensors it names come from: the library's class (`library`, with a
 * rewriting of names where the library's differ), a rule, or nowhere, with the reason.
 */
export type PublishedModel = {
  /** Name of the index, of the config.json and of the list of file sizes. */
  readonly name: string;
  readonly shapes: "library" | ShapeRule | { readonly none: string };
  /** The library's name of a tensor, for that of the index. */
  readonly rename?: (name: string) => string;
  /** Where the weights are stored otherwise than the config.json says. */
  readonly dtype?: (name: string) => string | undefined;
  /** The count of parameters that was published has the tied output matrix as well, which is not stored. */
  readonly countsTiedTwice?: true;
};

const OWN_TOWER =
  "its vision tower is code of its own repository, no header was published, and the shapes of the models it is made of add " +
  "up to 1,010,688 bytes less than the total";

export const PUBLISHED_MODELS: readonly PublishedModel[] = [
  ...[
    "HuggingFaceTB__SmolLM3-3B",
    "PANDASANG1231__llama_3.2-3B-per-tensor-shards",
    "SakuraLLM__Sakura-14B-Qwen2.5-v1.0",
    "WizardLM__WizardLM-2-8x22B",
    "YouriLalain__3PRYMMAL-PHI3-3B-SLERP",
    "cognitivecomputations__Dolphin3.0-R1-Mistral-24B",
    "deepcogito__cogito-v1-preview-qwen-14B",
    "google__gemma-2b-it",
    "ibm-granite__granite-3b-code-instruct-128k",
    "mattshumer__Reflection-Llama-3.1-70B",
    "mistralai__Devstral-Small-2507",
    "nvidia__Cosmos-Reason2-8B",
    "tiiuae__falcon-180B-chat",
  ].map((name) => ({ name, shapes: "library" as const })),
  {
    name: "google__medgemma-27b-it",
    shapes: "library",
    rename: (name) => name.replace("vision_tower.vision_model.", "vision_tower."),
    countsTiedTwice: true,
  },
  { name: "bigscience__bloom", shapes: "library", rename: (name) => `transformer.${name}`, dtype: () => "F16" },
  {
    name: "bryce-hoehn__Qwen3.5-18B-REAP-A3B-Coding",
    shapes: "library",
    rename: (name) => name.replace("model.language_model.", "model."),
  },
  {
    name: "jeevanchaps__Meta-Llama3.1-8B-Instruct-assessment-bnb4",
    shapes: "library",
    dtype: (name) => (/layers\..*_proj\.weight$/.test(name) ? "I8" : undefined),
  },
  {
    // Its last shard holds the output matrix and little else, and is as long as that in float32.
    name: "lizpreciatior__lzlv_70b_fp16_hf",
    shapes: "library",
    dtype: (name) => (/(?:embed_tokens|lm_head)\.weight$/.test(name) ? "F32" : undefined),
  },
  { name: "Qwen__Qwen-72B", shapes: qwen },
  { name: "stvlynn__Qwen-7B-Chat-Cantonese", shapes: qwen },
  {
    name: "openpangu__openPangu-Embedded-7B",
    shapes: pangu,
    dtype: (name) => (name.endsWith("inv_freq") ? "F32" : undefined),
  },
  { name: "junqi-jiang__oasst-rm-pythia-1.4b", shapes: neoxReward },
  {
    name: "MiniMaxAI__MiniMax-M1-80k",
    shapes: minimax,
    dtype: (name) => (name.endsWith("moe.gate.weight") ? "F32" : undefined),
  },
  { name: "Logics-MLLM__Logics-Thinking", shapes: logics },
  { name: "deepseek-ai__DeepSeek-OCR-2", shapes: { none: OWN_TOWER } },
  { name: "reubzdubz__Molmo7B_D_NF4Quant", shapes: molmo, dtype: molmoDtype },
  // The index is of pickle files, which are never opened; its names and total are facts all the same.
  { name: "THUDM__chatglm2-6b", shapes: chatglm, dtype: () => "F16" },
];
