import type { LayerRules } from "./architectures/architecture.ts";
import { namedFeedForward } from "./architectures/config-feed-forward.ts";
import { cross } from "./architectures/cross-rules.ts";
import { CONFIG_RULES } from "./architectures/registry.ts";
import { type ConfigObject, textConfig } from "./config.ts";
import { configClassOf } from "./config-classes.ts";
import { type ConfigClass, configKeys } from "./config-keys.ts";
import type { Keys } from "./keys.ts";
import { encoderLayerCount, reconcileLayerCount } from "./layer-count.ts";
import { layerShapes } from "./layer-shapes.ts";
import type { SafetensorsInput } from "./model-input.ts";
import type { LayerShape, ShapeClaim } from "./shape.ts";
import type { TensorClaim } from "./tensor-claim.ts";

/** Names of the sizes that every model has, best first. */
const LAYERS = ["num_hidden_layers", "n_layers", "n_layer", "num_layers", "num_transformer_layers", "decoder_layers"];
const HIDDEN = ["hidden_size", "n_embd", "n_embed", "d_model", "dim", "model_dim"];
const EMBEDDING = ["embedding_size", "input_embedding_size", "embedding_rank", "word_embed_proj_dim"];
const VOCABULARY = ["vocab_size", "padded_vocab_size"];
const CONTEXT = ["max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "max_sequence_length", "n_ctx"];
const HEADS = ["num_attention_heads", "n_head", "n_heads", "num_heads", "decoder_attention_heads"];
const KV_HEADS = ["num_key_value_heads", "n_head_kv", "num_kv_heads", "n_kv_heads", "multi_query_group_num"];
const MTP = ["num_nextn_predict_layers", "mtp_num_hidden_layers", "num_mtp_layers"];

/** Widths to be held against the tensors; mixers are not guessed. */
const UNKNOWN_RULES = { feedForward: namedFeedForward };

/** What config.json says, for as many layers as the tensors allow. Without one, nothing. */
export function claimFromConfig(input: SafetensorsInput, tensors: TensorClaim): ShapeClaim {
  const root: ConfigObject = input.config ?? new Map();
  const text = textConfig(root);
  const names = [nameIn(text) ?? "", nameIn(root) ?? ""];
  const rules = firstKnown(CONFIG_RULES, names);
  const [first = "", second = ""] = names;
  const known = configClassOf(first) ?? configClassOf(second);
  const configClass: ConfigClass = {
    defaults: known?.defaults ?? {},
    aliases: { ...known?.aliases, ...rules?.aliases },
  };
  const keys = configKeys(
    text,
    proven(tensors, configClass, rules?.blockCount === undefined),
    configClass,
    input.report,
  );

  // An encoder taken out of its encoder-decoder, as image generators do.
  const alone = tensors.encoderAlone ? rules?.encoder : undefined;
  const encoder = alone ? undefined : encoderRules(rules, root, keys);
  const declared = {
    main: alone
      ? keys.integer(...alone.layerCount)
      : (rules?.blockCount?.(keys) ?? keys.integer(...LAYERS) ?? typedLayers(keys)),
    mtp: keys.integer(...MTP) ?? 0,
    origin: keys.origin,
  };
  const count = reconcileLayerCount(declared, tensors, input.limits, input.report);
  const layers = count && layerShapes({ ...(rules ?? UNKNOWN_RULES), ...encoder }, keys, count, input.report);
  const heads = keys.perLayer(...HEADS)?.(0);
  const embeddingSize = keys.integer(...EMBEDDING);
  const causal = alone === undefined && ((rules?.causal ?? true) || keys.flag("is_decoder") === true);
  return {
    origin: keys.origin,
    architecture: nameIn(root) ?? nameIn(text),
    known: rules !== undefined,
    layerCount: count?.main,
    hiddenSize: keys.integer(...HIDDEN),
    ...(embeddingSize === undefined ? {} : { embeddingSize }),
    vocabularySize: keys.integer(...VOCABULARY),
    trainedContext: keys.tokens(...CONTEXT),
    layers: alone ? layers?.main.map(bothWays) : layers?.main,
    ...(encoder && { encoder: { layerCount: encoderLayerCount(encoder.layerCount, keys, input.limits) } }),
    mtpLayers: layers?.mtp ?? [],
    mtpLayerCount: count?.mtp ?? 0,
    causal,
    outputFromEmbedding: causal,
    expertLayersByTensors: rules?.expertLayersByTensors ?? false,
    tiedEmbeddings: keys.flag("tie_word_embeddings", "tie_embedding"),
    attentionHeads: heads,
    kvHeads: keys.perLayer(...KV_HEADS)?.(0) ?? heads,
  };
}

type EncoderRules = NonNullable<LayerRules["encoder"]>;

/** What a decoder does with an encoder's output, in configurations that put one before it. */
function encoderRules(rules: LayerRules | undefined, root: ConfigObject, keys: Keys): EncoderRules | undefined {
  if (root.get("is_encoder_decoder") === false) return undefined;
  if (rules?.encoder !== undefined) return rules.encoder;
  return keys.flag("add_cross_attention") === true ? { cross, layerCount: ["encoder.num_hidden_layers"] } : undefined;
}

function bothWays(layer: LayerShape): LayerShape {
  return layer.mixer.kind === "attention" ? { ...layer, mixer: { ...layer.mixer, causal: false } } : layer;
}

/** Sizes a config.json may leave out and the tensors prove, under the name each family uses for them. */
function proven(tensors: TensorClaim, configClass: ConfigClass, countsBlocks: boolean): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  const add = (names: readonly string[], value: number | undefined): void => {
    if (value !== undefined) for (const name of names) sizes.set(name, value);
  };
  // Where the embedding has a width of its own, it does not prove that of the layers.
  if (!EMBEDDING.some((name) => Object.hasOwn(configClass.defaults, name))) add(HIDDEN, tensors.hiddenSize);
  // An embedding may have rows beyond those that are predicted (Moshi).
  add(VOCABULARY, tensors.logits ?? tensors.vocabularySize);
  // Of looped layers the usual key counts something else.
  const blocks = tensors.blockCount === undefined ? undefined : tensors.blockCount - tensors.mtpBlocks;
  if (countsBlocks) add(LAYERS, blocks);
  return sizes;
}

/** Layers of a configuration that only says of each which it is. */
function typedLayers(keys: Keys): number | undefined {
  return (keys.words("layer_types", "layers_block_type") ?? keys.text("hybrid_override_pattern"))?.length;
}

function firstKnown<Known>(known: ReadonlyMap<string, Known>, names: readonly string[]): Known | undefined {
  for (const name of names) if (known.has(name)) return known.get(name);
  return undefined;
}

function nameIn(config: ConfigObject): string | undefined {
  const modelType = config.get("model_type");
  return typeof modelType === "string" && modelType !== "" ? modelType : undefined;
}
