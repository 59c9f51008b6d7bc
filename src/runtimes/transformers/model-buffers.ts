import type { MetadataValue, Model } from "../../model/model.ts";
import { isMetadataObject } from "../metadata-object.ts";

const INTEGER_BYTES = 8;
const FLOAT32_BYTES = 4;

/** Model types whose positions are learned, added as biases, or none at all. */
export const WITHOUT_ROTARY: ReadonlySet<string> = new Set(
  [
    "albert bart bert bert-generation big_bird bigbird_pegasus biogpt blenderbot blenderbot-small bloom camembert codegen convbert",
    "cpmant ctrl data2vec-text deberta deberta-v2 distilbert electra ernie esm falcon_mamba flaubert fnet fsmt funnel gpt-sw3 gpt2",
    "gpt_bigcode gpt_neo gptj granitemoehybrid ibert imagegpt inkling2_text inkling_text jamba kimi_linear layoutlm led",
    "longformer longt5 luke m2m_100 mamba mamba2 marian mbart megatron-bert mobilebert mpnet mpt mra mt5 mvp nemotron_h nllb-moe",
    "nystromformer openai-gpt opt pegasus pegasus_x plbart pop2piano prophetnet rembert roberta roberta-prelayernorm roc_bert",
    "roformer rwkv seamless_m4t seamless_m4t_v2 speech_to_text squeezebert switch_transformers t5 tapas trocr umt5 vit whisper",
    "xglm xlm xlm-roberta xlm-roberta-xl xlstm xmod yoso zamba zamba2 canary cohere_asr deepseek_v4",
  ].flatMap((names) => names.split(" ")),
);

/** Model types with several sets of frequencies alike: for each base, scaled or not, for encoder and decoder. */
const ROTARY_PARTS: ReadonlyMap<string, (model: Model) => number> = new Map([
  ...["granite_swa", "granitemoe_swa"].map((name) => [name, basesAndOneUnused] as const),
  ...["molmo2_text", "moonshine", "t5gemma"].map((name) => [name, () => 2] as const),
  // Of both kinds of layers, in the decoder and in the text of the encoder.
  ["t5gemma2", () => 4],
]);

/** Sets of frequencies that a model keeps. */
export function rotaryParts(model: Model): number {
  return ROTARY_PARTS.get(model.architecture ?? "")?.(model) ?? 1;
}

/** One for each base, beside that of the parent class (`modeling_granite_swa.py`, GraniteSWAModel). */
function basesAndOneUnused({ metadata: { layer_rope_theta: bases } }: Model): number {
  return 1 + (Array.isArray(bases) ? new Set(bases).size : 1);
}

/** Numbers of config.json by any of their names, the first that is there; `encoder_config.head_dim` of a part. */
type Facts = {
  readonly of: (...names: readonly string[]) => number;
  readonly model: Model;
  readonly layers: number;
  readonly element: number;
};

type Rule = (facts: Facts) => number;

const positions = ({ of }: Facts): number => of("max_position_embeddings", "n_positions", "n_ctx");
const positionIds: Rule = (facts) => positions(facts) * INTEGER_BYTES;
const positionAndTypeIds: Rule = (facts) => 2 * positionIds(facts);
const scale: Rule = ({ element }) => element;

/** Sines and cosines of every position, two more than there are (`create_position_ids_from_input_ids` counts from 2). */
const sinusoids = (...lengths: readonly string[]): Rule => {
  return ({ of, element }) =>
    lengths.reduce((sum, length) => sum + (of(length) + 2) * of("d_model", "hidden_size") * element, 0);
};
const causalMasks: Rule = (facts) => facts.layers * positions(facts) ** 2;
const rotaryTables: Rule = (facts) => facts.layers * positions(facts) * facts.of("rotary_dim") * FLOAT32_BYTES;

const BY_MODEL_TYPE: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ...each("gemma gemma2 vaultgemma gemma3_text gemma4_unified_text", scale),
  ["gemma4_text", ({ of, element }) => (of("hidden_size_per_layer_input") > 0 ? 2 : 1) * element],
  ["gemma3n_text", ({ layers, element }) => (4 + layers) * element],
  ["minicpm3", () => INTEGER_BYTES],
  ["recurrent_gemma", () => 2],
  ...each(
    "albert bert big_bird camembert convbert data2vec-text electra ernie fnet jina_embeddings_v3 nomic_bert nystromformer",
    positionAndTypeIds,
  ),
  ...each("roberta roberta-prelayernorm roc_bert xlm-roberta xlm-roberta-xl xmod yoso", positionAndTypeIds),
  ...each(
    "bert-generation deberta deberta-v2 distilbert esm flaubert ibert layoutlm megatron-bert mobilebert",
    positionIds,
  ),
  ...each("mpnet mra rembert squeezebert xlm", positionIds),
  ...each(
    "m2m_100 nllb-moe seamless_m4t seamless_m4t_v2",
    sinusoids("max_position_embeddings", "max_position_embeddings"),
  ),
  ["speech_to_text", sinusoids("max_source_positions", "max_target_positions")],
  ["xglm", sinusoids("max_position_embeddings")],
  ...each("codegen gptj", rotaryTables),
  ["ctrl", (facts) => positions(facts) * facts.of("n_embd") * facts.element],
  ["gpt_bigcode", (facts) => positions(facts) ** 2],
  ...each("gpt_neo imagegpt", causalMasks),
  ["openai-gpt", (facts) => causalMasks(facts) * facts.element + positionIds(facts)],
  ["deepseek_v4", compressorFrequencies],
  // Of both encoders one frequency for two elements; Canary's decoder a sinusoid for each position.
  ["cohere_asr", ({ of }) => of("encoder_config.hidden_size") * 2],
  [
    "canary",
    ({ of }) =>
      of("encoder_config.hidden_size") * 2 +
      of("decoder_config.max_position_embeddings") * of("decoder_config.hidden_size") * FLOAT32_BYTES,
  ],
  // The decoder's frequencies are counted as every model's.
  [
    "dia",
    ({ of }) => of("encoder_config.head_dim") * FLOAT32_BYTES + of("decoder_config.num_channels") * INTEGER_BYTES,
  ],
  ["t5gemma2", ({ of, element }) => 2 * element + imagePatches(of) * INTEGER_BYTES],
  // One number for each row of the projection into the mixer.
  [
    "falcon_h1",
    ({ of, layers, element }) =>
      layers * element * (2 * of("mamba_d_ssm") + 2 * of("mamba_n_groups") * of("mamba_d_state") + of("mamba_n_heads")),
  ],
  [
    "falcon_mamba",
    ({ of, layers, element }) => layers * element * (of("hidden_size") * of("expand") + 2 * of("state_size")),
  ],
]);

/** Each compressor, and the indexer in it, turns rows by two sets of frequencies, as the model does (DeepseekV4RotaryEmbedding). */
function compressorFrequencies({ model, of }: Facts): number {
  const parts = model.layers.reduce((sum, { mixer }) => {
    const attention = mixer.kind === "attention" ? mixer : undefined;
    return sum + (attention?.compression === undefined ? 0 : attention.indexer === undefined ? 1 : 2);
  }, 1);
  return parts * 2 * 2 * (of("qk_rope_head_dim") / 2) * FLOAT32_BYTES;
}

/** Patches of an image of T5Gemma 2's encoder. */
function imagePatches(of: Facts["of"]): number {
  return (of("encoder.vision_config.image_size") / of("encoder.vision_config.patch_size")) ** 2;
}

function each(names: string, rule: Rule): (readonly [string, Rule])[] {
  return names.split(" ").map((name) => [name, rule] as const);
}

/** Bytes of a model's own buffers; 0 where it has none but frequencies. */
export function buffersBesideRotary(model: Model, elementBytes: number): number {
  const of = (...names: readonly string[]): number =>
    names.map((name) => numberAt(model.metadata, name.split("."))).find((value) => value !== undefined) ?? 0;
  const layers = model.layers.filter((layer) => layer.mtp !== true).length;
  const facts: Facts = { of, model, layers, element: elementBytes };
  return BY_MODEL_TYPE.get(model.architecture ?? "")?.(facts) ?? 0;
}

function numberAt(value: MetadataValue | undefined, [key, ...rest]: readonly string[]): number | undefined {
  if (key === undefined) return typeof value === "number" && value >= 0 ? value : undefined;
  return isMetadataObject(value) ? numberAt(value[key], rest) : undefined;
}
