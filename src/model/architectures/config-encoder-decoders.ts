import type { ConfigAliases } from "../config-keys.ts";
import type { Architecture } from "./architecture.ts";
import { configAttention } from "./attention-rules.ts";
import { configFeedForward } from "./config-feed-forward.ts";
import { everyNth } from "./config-layer-types.ts";
import { configLayers } from "./config-layers.ts";
import { cross, crossAlike } from "./cross-rules.ts";
import { nllbSparse, someExperts, switchSparse } from "./encoder-decoder-rules.ts";
import { noWindow } from "./windows.ts";

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

const PLAIN = {
  feedForward: configFeedForward,
  encoder: {
    cross,
    layerCount: [
      "encoder.num_hidden_layers",
      "encoder.text_config.num_hidden_layers",
      "encoder_config.num_hidden_layers",
      "encoder_num_hidden_layers",
    ],
  },
};

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
    // The usual keys are the decoder's.
    { modelTypes: ["t5gemma"], mixer: configLayers({ implied: everyNth(2) }), ...PLAIN },
    { modelTypes: ["t5gemma2"], mixer: configLayers({ implied: everyNth(6) }), ...PLAIN },
    { modelTypes: ["canary", "cohere_asr", "dia", "moonshine", "moonshine_streaming"], mixer, ...PLAIN },
  ],
};
