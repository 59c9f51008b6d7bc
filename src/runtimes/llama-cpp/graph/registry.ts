import type { GraphBuilder } from "./context.ts";

/** Builders by the name of an architecture in the file. */
type GraphFamily = Readonly<Record<string, GraphBuilder>>;

type Family = { readonly names: string; readonly load: () => Promise<GraphFamily> };

/** Architectures whose graphs are drawn, by the file that draws them: it is loaded when a model of one is read. */
const FAMILIES: readonly Family[] = [
  {
    names: "bailingmoe bailingmoe2 bailingmoe3",
    load: async () => (await import("./architectures/bailing.ts")).BAILING,
  },
  {
    names: "bert nomic-bert nomic-bert-moe jina-bert-v2 jina-bert-v3",
    load: async () => (await import("./architectures/bert.ts")).BERT,
  },
  { names: "chameleon", load: async () => (await import("./architectures/chameleon.ts")).CHAMELEON },
  { names: "command-r cohere2 cohere2moe", load: async () => (await import("./architectures/cohere.ts")).COHERE },
  { names: "deci", load: async () => (await import("./architectures/deci.ts")).DECI },
  {
    names: "deepseek deepseek2 deepseek2-ocr mistral4 minicpm3",
    load: async () => (await import("./architectures/deepseek.ts")).DEEPSEEK,
  },
  { names: "deepseek4", load: async () => (await import("./architectures/deepseek4.ts")).DEEPSEEK4 },
  {
    names:
      "apertus arcee baichuan bitnet cogvlm internlm2 jais2 maincoder minicpm muse-glimmer nemotron openelm orion pangu-embedded pockettts seed_oss smollm3 spark2_5 talkie xverse",
    load: async () => (await import("./architectures/dense-decoders.ts")).DENSE_DECODERS,
  },
  { names: "dream llada llada-moe rnd1", load: async () => (await import("./architectures/diffusion.ts")).DIFFUSION },
  { names: "eagle3 dflash", load: async () => (await import("./architectures/drafts.ts")).DRAFTS },
  { names: "ernie4_5 ernie4_5-moe paddleocr", load: async () => (await import("./architectures/ernie.ts")).ERNIE },
  { names: "exaone exaone4 exaone-moe", load: async () => (await import("./architectures/exaone.ts")).EXAONE },
  { names: "gemma gemma2 gemma3 gemma-embedding", load: async () => (await import("./architectures/gemma.ts")).GEMMA },
  {
    names: "gemma3n gemma4 gemma4-assistant",
    load: async () => (await import("./architectures/gemma4.ts")).GEMMA_4,
  },
  { names: "chatglm glm4 glm4moe", load: async () => (await import("./architectures/glm.ts")).GLM },
  {
    names: "bloom codeshell falcon gpt2 gptneox jais mpt refact stablelm starcoder starcoder2",
    load: async () => (await import("./architectures/gpt.ts")).GPT,
  },
  {
    names: "graniteswitch granite granitemoe granite_swa",
    load: async () => (await import("./architectures/granite.ts")).GRANITE,
  },
  { names: "grok", load: async () => (await import("./architectures/grok.ts")).GROK },
  {
    names: "hunyuan-dense hunyuan_vl hunyuan-moe hy_v3",
    load: async () => (await import("./architectures/hunyuan.ts")).HUNYUAN,
  },
  { names: "kimi-linear kimi-k3", load: async () => (await import("./architectures/kimi.ts")).KIMI },
  { names: "lfm2 lfm2moe", load: async () => (await import("./architectures/lfm2.ts")).LFM2 },
  { names: "llama llama-embed mistral3", load: async () => (await import("./architectures/llama.ts")).LLAMA },
  { names: "llama4", load: async () => (await import("./architectures/llama4.ts")).LLAMA4 },
  { names: "nanbeige hrm_text", load: async () => (await import("./architectures/looped.ts")).LOOPED },
  { names: "mamba mamba2", load: async () => (await import("./architectures/mamba.ts")).MAMBA },
  {
    names: "jamba granitehybrid plamo2 falcon-h1 nemotron_h nemotron_h_moe",
    load: async () => (await import("./architectures/mamba-hybrids.ts")).MAMBA_HYBRIDS,
  },
  { names: "minimax-01 minimax-m2 minimax-m3", load: async () => (await import("./architectures/minimax.ts")).MINIMAX },
  {
    names: "arctic afmoe dbrx dots1 gpt-oss grovemoe laguna maple mellum mimo2 smallthinker step35",
    load: async () => (await import("./architectures/mixtures.ts")).MIXTURES,
  },
  {
    names: "eurobert modern-bert neo-bert",
    load: async () => (await import("./architectures/modern-bert.ts")).MODERN_BERT,
  },
  { names: "olmo olmo2 olmoe", load: async () => (await import("./architectures/olmo.ts")).OLMO },
  { names: "phi2 phi3 phimoe", load: async () => (await import("./architectures/phi.ts")).PHI },
  { names: "plamo plamo3", load: async () => (await import("./architectures/plamo.ts")).PLAMO },
  {
    names: "qwen qwen2 qwen2moe qwen2vl qwen3 qwen3moe qwen3tts qwen3vl qwen3vlmoe",
    load: async () => (await import("./architectures/qwen.ts")).QWEN,
  },
  { names: "qwen3next qwen35 qwen35moe", load: async () => (await import("./architectures/qwen-next.ts")).QWEN_NEXT },
  { names: "qwen4exp", load: async () => (await import("./architectures/qwen4exp.ts")).QWEN_4 },
  { names: "rwkv6 rwkv7 rwkv6qwen2 arwkv7", load: async () => (await import("./architectures/rwkv.ts")).RWKV },
  {
    names: "deepseek32 glm-dsa dots3note hy_v4",
    load: async () => (await import("./architectures/sparse-latent.ts")).SPARSE_LATENT,
  },
  { names: "t5 t5encoder", load: async () => (await import("./architectures/t5.ts")).T5 },
  { names: "wavtokenizer-dec", load: async () => (await import("./architectures/wavtokenizer.ts")).WAVTOKENIZER },
];

export const GRAPH_FAMILIES: ReadonlyMap<string, Family["load"]> = new Map(
  FAMILIES.flatMap(({ names, load }) => names.split(" ").map((name) => [name, load] as const)),
);
