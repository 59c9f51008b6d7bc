import type { Architecture } from "./architecture.ts";
import { ggufAttention } from "./attention-rules.ts";
import { ggufFeedForward, interleavedExperts } from "./feed-forward-rules.ts";
import { noWindow } from "./windows.ts";

const mixer = ggufAttention(noWindow);

/** Names, parted by spaces. */
function names(list: string): string[] {
  return list.trim().split(/\s+/);
}

/**
 * GGUF architectures whose every layer is attention by the usual keys, over the whole context: for their caches there is
 * nothing to say but their names. They differ in how their feed-forward keys are read.
 */
export const plainAttention: Architecture = {
  gguf: [
    {
      names: names(`
        arcee apertus arctic baichuan bitnet bloom chameleon chatglm codeshell cogvlm command-r dbrx deci exaone falcon
        glm4 gpt2 gptneox granite granitemoe graniteswitch grok grovemoe hunyuan-dense hunyuan_vl internlm2 jais
        jais2 llama-embed maincoder minicpm minicpm3 minimax-m2 mistral3 mpt nemotron olmo olmoe openelm orion paddleocr
        pangu-embedded phi2 phimoe plamo pockettts qwen qwen2vl qwen3tts qwen3vl qwen3vlmoe refact seed_oss smollm3
        stablelm starcoder starcoder2 talkie xverse ernie4_5
      `),
      mixer,
      feedForward: ggufFeedForward(),
    },
    {
      names: names("bailingmoe bailingmoe2 deepseek deepseek2-ocr dots1 glm4moe"),
      mixer,
      feedForward: ggufFeedForward({ leadingDense: true }),
    },
    {
      names: ["hunyuan-moe", "hy_v3"],
      mixer,
      feedForward: ggufFeedForward(),
      expertLayersByTensors: true,
    },
    {
      names: ["ernie4_5-moe"],
      mixer,
      feedForward: ggufFeedForward({ leadingDense: true, expertLayers: interleavedExperts }),
    },
    // The encoder's output is held beside the caches; cross-attention is computed from it anew.
    { names: ["t5"], mixer, feedForward: ggufFeedForward() },
  ],
  config: [],
};
