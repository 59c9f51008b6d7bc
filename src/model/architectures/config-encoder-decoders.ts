import type { ConfigAliases } from "../config-keys.ts";
import type { FeedForward } from "../feed-forward.ts";
import type { Keys } from "../keys.ts";
import type { Architecture, CrossRule, FeedForwardRule } from "./architecture.ts";
import { configAttention } from "./attention-rules.ts";
import { configFeedForward } from "./config-feed-forward.ts";
import { configLayers } from "./config-layers.ts";
import { noWindow } from "./windows.ts";

/** Heads as those over the decoder's own tokens. `fixedTokens`: the key of the one length that the encoder's output has. */
function crossAlike(...fixedTokens: readonly string[]): CrossRule {
  return (keys) => {
    const encoderTokens = (fixedTokens.length > 0 && keys.tokens(...fixedTokens)) || null;
    return ({ heads, kvHeads, keyDim, valueDim }) => ({
      kind: "cross",
      heads,
      kvHeads,
      keyDim,
      valueDim,
      encoderTokens,
    });
  };
}

/** Attention of every width to an encoder's output as long as its input. */
export const cross: CrossRule = crossAlike();

const mixer = configAttention(noWindow);

/** T5 and its kin: `num_decoder_layers` is as many as the encoder has where it is not there. */
const T5_ALIASES: ConfigAliases = {
  num_hidden_layers: ["num_decoder_layers", "num_layers"],
  num_attention_heads: "num_heads",
  hidden_size: "d_model",
  head_dim: "d_kv",
  intermediate_size: "d_ff",
};

/** BART and its kin: the classes take the encoder's sizes for those of the model. */
const BART_ALIASES: ConfigAliases = {
  num_hidden_layers: "decoder_layers",
  num_attention_heads: "decoder_attention_heads",
  num_key_value_heads: "decoder_attention_heads",
  hidden_size: ["d_model", "hidden_size"],
  intermediate_size: "decoder_ffn_dim",
  max_position_embeddings: ["max_decoder_position_embeddings", "max_target_positions", "max_position_embeddings"],
  vocab_size: ["tgt_vocab_size", "vocab_size"],
};

const T5_ENCODER = { cross, layerCount: ["num_layers"] };
const BART_ENCODER = { cross, layerCount: ["encoder_layers"] };

/** Experts of the width of a dense part, in some of the layers. */
function someExperts(expertsPerToken: number, isSparse: (keys: Keys) => (layer: number) => boolean): FeedForwardRule {
  return (keys) => {
    const width = keys.integer("intermediate_size");
    const experts = keys.integer("num_experts");
    const sparse = isSparse(keys);
    return (layer): FeedForward | undefined => {
      if (width === undefined) return undefined;
      if (!sparse(layer)) return { kind: "dense", intermediateSize: width };
      if (experts === undefined) return undefined;
      const shared = { expertIntermediateSize: width, sharedIntermediateSize: 0 };
      return { kind: "experts", experts, expertsPerToken: Math.min(expertsPerToken, experts), ...shared };
    };
  };
}

/** modeling_switch_transformers.py, SwitchTransformersStack: the second layer of every run; alone in it, every one. */
function switchSparse(keys: Keys): (layer: number) => boolean {
  const layers = keys.integer("num_hidden_layers") ?? 0;
  const sparse = keys.integer("num_sparse_decoder_layers") ?? 0;
  const step = sparse > 0 ? Math.floor(layers / sparse) : 0;
  return (layer) => step > 0 && (layer % step === 1 || step === 1);
}

/** modeling_nllb_moe.py, NllbMoeDecoder: the last layer of every run. */
function nllbSparse(keys: Keys): (layer: number) => boolean {
  const step = keys.integer("decoder_sparse_step") ?? 0;
  return (layer) => step > 0 && (layer + 1) % step === 0;
}

/** Encoder-decoders of transformers, by model_type. The layers are the decoder's. */
export const encoderDecoders: Architecture = {
  gguf: [],
  config: [
    {
      modelTypes: ["t5", "mt5", "umt5", "longt5"],
      mixer,
      feedForward: configFeedForward,
      aliases: T5_ALIASES,
      encoder: T5_ENCODER,
    },
    {
      modelTypes: ["pop2piano"],
      mixer,
      feedForward: configFeedForward,
      aliases: { ...T5_ALIASES, tie_word_embeddings: [] },
      encoder: T5_ENCODER,
    },
    {
      modelTypes: ["switch_transformers"],
      mixer,
      feedForward: someExperts(1, switchSparse),
      aliases: { ...T5_ALIASES, num_hidden_layers: "num_decoder_layers" },
      encoder: T5_ENCODER,
    },
    {
      modelTypes: [
        "bart bigbird_pegasus blenderbot blenderbot-small fsmt led m2m_100 marian mbart mvp pegasus pegasus_x plbart",
        "seamless_m4t seamless_m4t_v2 speech_to_text",
      ].flatMap((names) => names.split(" ")),
      mixer,
      feedForward: configFeedForward,
      aliases: BART_ALIASES,
      encoder: BART_ENCODER,
    },
    {
      modelTypes: ["nllb-moe"],
      mixer,
      feedForward: someExperts(2, nllbSparse),
      aliases: BART_ALIASES,
      encoder: BART_ENCODER,
    },
    {
      modelTypes: ["whisper"],
      mixer,
      feedForward: configFeedForward,
      aliases: BART_ALIASES,
      // Half a minute of sound whatever is said in it: modeling_whisper.py, WhisperEncoder.forward, expected_seq_length.
      encoder: { cross: crossAlike("max_source_positions"), layerCount: ["encoder_layers"] },
    },
    {
      modelTypes: ["prophetnet"],
      mixer,
      feedForward: configFeedForward,
      aliases: {
        num_hidden_layers: "num_decoder_layers",
        num_attention_heads: "num_decoder_attention_heads",
        intermediate_size: "decoder_ffn_dim",
      },
      encoder: { cross, layerCount: ["num_encoder_layers"] },
    },
    {
      modelTypes: ["moonshine"],
      mixer,
      feedForward: configFeedForward,
      aliases: {
        num_hidden_layers: "decoder_num_hidden_layers",
        num_attention_heads: "decoder_num_attention_heads",
        num_key_value_heads: "decoder_num_key_value_heads",
      },
      encoder: { cross, layerCount: ["encoder_num_hidden_layers"] },
    },
    {
      modelTypes: ["t5gemma", "t5gemma2", "canary", "cohere_asr", "moonshine_streaming"],
      mixer: configLayers({}),
      feedForward: configFeedForward,
      encoder: {
        cross,
        layerCount: [
          "encoder.num_hidden_layers",
          "encoder.text_config.num_hidden_layers",
          "encoder_config.num_hidden_layers",
        ],
      },
    },
  ],
};
