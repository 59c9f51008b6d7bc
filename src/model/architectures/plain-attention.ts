import type { Architecture, FeedForwardRule } from "./architecture.ts";
import { ggufAttention } from "./attention-rules.ts";
import { cross } from "./cross-rules.ts";
import { ggufFeedForward, interleavedExperts, noExperts } from "./feed-forward-rules.ts";
import { noWindow } from "./windows.ts";

const mixer = ggufAttention(noWindow);

/** The key counts gate and up projections together (src/models/qwen.cpp). */
const halved: FeedForwardRule = (keys) => {
  const width = keys.perLayer("feed_forward_length");
  return (layer) => {
    const both = width?.(layer);
    return both === undefined ? undefined : { kind: "dense", intermediateSize: Math.floor(both / 2) };
  };
};

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
        arcee apertus arctic bailingmoe baichuan bitnet bloom chameleon chatglm codeshell cogvlm command-r dbrx deci exaone falcon
        glm4 gpt2 gptneox granite granitemoe graniteswitch grok grovemoe hunyuan-dense hunyuan_vl internlm2 jais
        jais2 llama-embed maincoder minicpm minicpm3 minimax-m2 mistral3 mpt nemotron olmo olmoe openelm orion
        pangu-embedded phi2 phimoe plamo pockettts qwen2vl qwen3tts qwen3vl qwen3vlmoe refact seed_oss smollm3
        stablelm starcoder starcoder2 talkie xverse
      `),
      mixer,
      feedForward: ggufFeedForward(),
    },
    {
      names: names("bailingmoe2 deepseek deepseek2-ocr dots1 glm4moe"),
      mixer,
      feedForward: ggufFeedForward({ leadingDense: true }),
    },
    { names: ["ernie4_5", "paddleocr"], mixer, feedForward: ggufFeedForward({ expertLayers: noExperts }) },
    { names: ["qwen"], mixer, feedForward: halved },
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
    {
      names: ["t5"],
      mixer,
      feedForward: ggufFeedForward(),
      blockCount: (keys) => keys.integer("decoder_block_count", "block_count"),
      encoder: { cross, layerCount: ["block_count"] },
    },
  ],
  config: [],
};
