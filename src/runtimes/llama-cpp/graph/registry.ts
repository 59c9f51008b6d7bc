import type { GraphBuilder } from "./context.ts";

/** Builders by the name of an architecture in the file. */
export type GraphFamily = Readonly<Record<string, GraphBuilder>>;

type Family = { readonly names: string; readonly load: () => Promise<GraphFamily> };

/** Architectures whose graphs are drawn, by the file that draws them: it is loaded when a model of one is read. */
const FAMILIES: readonly Family[] = [
  { names: "bailingmoe3", load: async () => (await import("./architectures/bailing3.ts")).BAILING_3 },
  {
    names: "bert nomic-bert nomic-bert-moe jina-bert-v2 jina-bert-v3",
    load: async () => (await import("./architectures/bert.ts")).BERT,
  },
  { names: "deci", load: async () => (await import("./architectures/deci.ts")).DECI },
  { names: "deepseek2 mistral4 minicpm3", load: async () => (await import("./architectures/deepseek.ts")).DEEPSEEK },
  { names: "deepseek4", load: async () => (await import("./architectures/deepseek4.ts")).DEEPSEEK4 },
  { names: "dream llada llada-moe rnd1", load: async () => (await import("./architectures/diffusion.ts")).DIFFUSION },
  { names: "eagle3 dflash", load: async () => (await import("./architectures/drafts.ts")).DRAFTS },
  {
    names: "gemma3n gemma4 gemma4-assistant",
    load: async () => (await import("./architectures/gemma-shared.ts")).GEMMA_SHARED,
  },
  { names: "gemma2 gemma3 gemma-embedding", load: async () => (await import("./architectures/gemma.ts")).GEMMA },
  {
    names: "graniteswitch granite granitemoe granite_swa",
    load: async () => (await import("./architectures/granite.ts")).GRANITE,
  },
  { names: "grok", load: async () => (await import("./architectures/grok.ts")).GROK },
  { names: "kimi-linear kimi-k3", load: async () => (await import("./architectures/kimi.ts")).KIMI },
  {
    names: "bloom gpt2 gptneox jais mpt refact",
    load: async () => (await import("./architectures/learned-positions.ts")).LEARNED_POSITIONS,
  },
  { names: "lfm2 lfm2moe", load: async () => (await import("./architectures/lfm2.ts")).LFM2 },
  { names: "llama llama-embed", load: async () => (await import("./architectures/llama.ts")).LLAMA },
  { names: "llama4", load: async () => (await import("./architectures/llama4.ts")).LLAMA4 },
  { names: "nanbeige hrm_text", load: async () => (await import("./architectures/looped.ts")).LOOPED },
  {
    names: "jamba granitehybrid plamo2 falcon-h1 nemotron_h nemotron_h_moe",
    load: async () => (await import("./architectures/mamba-hybrids.ts")).MAMBA_HYBRIDS,
  },
  { names: "mamba mamba2", load: async () => (await import("./architectures/mamba.ts")).MAMBA },
  { names: "minimax-01", load: async () => (await import("./architectures/minimax-01.ts")).MINIMAX_01 },
  { names: "minimax-m3", load: async () => (await import("./architectures/minimax-m3.ts")).MINIMAX_M3 },
  {
    names:
      "arctic qwen2moe qwen3moe olmoe minimax-m2 dbrx deepseek bailingmoe bailingmoe2 dots1 deepseek2-ocr glm4moe hy_v3 grovemoe",
    load: async () => (await import("./architectures/mixtures.ts")).MIXTURES,
  },
  {
    names:
      "apertus arcee baichuan codeshell ernie4_5 ernie4_5-moe hunyuan-dense hunyuan_vl hunyuan-moe maincoder mistral3 pangu-embedded pockettts qwen seed_oss smollm3 talkie",
    load: async () => (await import("./architectures/more-decoders.ts")).MORE_DECODERS,
  },
  {
    names: "neo-bert eurobert modern-bert",
    load: async () => (await import("./architectures/other-encoders.ts")).OTHER_ENCODERS,
  },
  {
    names: "command-r falcon phi2 plamo stablelm",
    load: async () => (await import("./architectures/parallel-decoders.ts")).PARALLEL_DECODERS,
  },
  {
    names:
      "bitnet chatglm exaone gemma glm4 internlm2 jais2 minicpm nemotron olmo orion qwen2 qwen3 starcoder starcoder2 xverse openelm phi3 phimoe",
    load: async () => (await import("./architectures/plain-decoders.ts")).PLAIN_DECODERS,
  },
  { names: "qwen3next qwen35 qwen35moe", load: async () => (await import("./architectures/qwen-next.ts")).QWEN_NEXT },
  { names: "qwen4exp", load: async () => (await import("./architectures/qwen4exp.ts")).QWEN_4 },
  { names: "rwkv6 rwkv7 rwkv6qwen2 arwkv7", load: async () => (await import("./architectures/rwkv.ts")).RWKV },
  {
    names: "deepseek32 glm-dsa dots3note hy_v4",
    load: async () => (await import("./architectures/sparse-latent.ts")).SPARSE_LATENT,
  },
  { names: "t5 t5encoder", load: async () => (await import("./architectures/t5.ts")).T5 },
  {
    names: "chameleon cogvlm paddleocr qwen2vl qwen3tts qwen3vl qwen3vlmoe",
    load: async () => (await import("./architectures/vision-decoders.ts")).VISION_DECODERS,
  },
  { names: "wavtokenizer-dec", load: async () => (await import("./architectures/wavtokenizer.ts")).WAVTOKENIZER },
  {
    names: "olmo2 exaone4 plamo3 muse-glimmer spark2_5 cohere2 cohere2moe",
    load: async () => (await import("./architectures/windowed-decoders.ts")).WINDOWED_DECODERS,
  },
  {
    names: "gpt-oss afmoe exaone-moe laguna mellum smallthinker maple mimo2 step35",
    load: async () => (await import("./architectures/windowed-mixtures.ts")).WINDOWED_MIXTURES,
  },
];

export const GRAPH_FAMILIES: ReadonlyMap<string, Family["load"]> = new Map(
  FAMILIES.flatMap(({ names, load }) => names.split(" ").map((name) => [name, load] as const)),
);
