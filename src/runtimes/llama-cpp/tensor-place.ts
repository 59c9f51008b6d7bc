import type { Model, ModelTensor } from "../../model/model.ts";
import type { Device } from "../device.ts";
import {
  PREDICTING_TENSORS_LOADED,
  ROTARY_FACTORS_IN_FULL_LAYERS,
  ROTARY_FACTORS_IN_PREDICTING,
} from "./engine-facts.ts";
import type { Placement } from "./placement.ts";
import type { LlamaCppSettings } from "./settings.ts";
import { notHeldBy } from "./unheld-weights.ts";

/** Tensors read by row or once for the input: they stay on the host (`LLM_TENSOR_LAYER_INPUT`, `src/llama-arch.cpp:716`). */
const INPUT: ReadonlySet<string> = names("token_embd position_embd token_types per_layer_token_embd hrm.z_l_init");

/** True for tensors of blocks that predict further tokens that are left out unless asked for. */
export function isLeftOut({ name, component }: ModelTensor, architecture: string | null): boolean {
  if (component !== "mtp" || !BLOCK.test(name)) return false;
  return PREDICTING_TENSORS_LOADED.get(architecture ?? "")?.test(name) !== true;
}

/** True for tensors that are looked up by row, not multiplied with. */
export function isInputTensor(name: string): boolean {
  return INPUT.has(name.replace(SUFFIX, ""));
}

/** Read row by row from the file when larger than this, and never loaded whole (`src/llama-model-loader.cpp:1088`). */
const READ_BY_ROW = "per_layer_token_embd.weight";
const READ_BY_ROW_FROM_BYTES = 4 * 1024 ** 3;

/** True for a table that stays in the file: its rows are read as they are needed. */
export function isReadByRow({ name, bytes }: ModelTensor): boolean {
  return name === READ_BY_ROW && bytes > READ_BY_ROW_FROM_BYTES;
}

/** Tensors of the layer after the last block (`LLM_TENSOR_LAYER_OUTPUT`). */
const OUTPUT: ReadonlySet<string> = names(
  "output output_norm cls cls.output cls.norm dense_2 dense_3 dec.output_norm enc.output_norm output_hc_fn output_hc_base " +
    "output_hc_scale output_hc_norm output_hc_down output_hc_up output_res_score altup_proj altup_unembd_proj " +
    "nextn.post_projection fc d2t markov_w1 markov_w2 conf_proj selector_predecessor selector_successor selector_hidden",
);

/** Here `token_embd_norm` is the last norm (`LLM_TENSOR_OUTPUT_NORM_LFM2`), elsewhere a part of the first block. */
const EMBEDDING_NORM_LAST: ReadonlySet<string> = names("lfm2 lfm2moe");

/** Never loaded (`GGML_OP_NONE` in `LLM_TENSOR_INFOS`). */
const UNUSED = /^(?:masked_embd_(?:centroids|ordering)(?:\.weight)?|dec\.blk\.\d+\.cross_attn_rel_b\.weight)$/;

/** Tensors without a block that every block uses: one copy on each device that has such a block. */
const SHARED_BY_BLOCKS = /^rope_(?:freqs|factors_long|factors_short)\.weight$/;

/** Also the name of the output matrix made of it. */
export const EMBEDDING = "token_embd.weight";

/** The output matrix where it is stored. */
export const OUTPUT_MATRIX = "output.weight";

/** Also the blocks of a decoder of sound (`LLM_TENSOR_POS_NET_*`, `LLM_TENSOR_CONVNEXT_*`). */
const BLOCK = /(?:^|\.)(?:blk|posnet|convnext)\.(\d+)\./;
const SUFFIX = /\.(?:weight|bias|scale|input_scale)$/;

/** `common/common.h`, LLM_FFN_EXPS_REGEX and LLM_FFN_DENSE_REGEX. */
const EXPERTS = /\.ffn_(?:up|down|gate|gate_up)_(?:ch|)exps/;
const DENSE = /\.ffn_(?:up|down|gate)\./;

export type TensorPlaces = {
  /** Devices that hold a tensor: one, or for tensors that blocks share one for each; none when it is not loaded. */
  readonly devicesOf: (name: string) => readonly Device[];
  /** Device of the output matrix that is made of the embedding, where none is stored. */
  readonly tiedOutput: Device;
};

/** Where the tensors of a model go (llama.cpp 0.5.0 `src/llama-model-loader.cpp`, create_tensor). */
export function placeTensors(model: Model, settings: LlamaCppSettings, placement: Placement): TensorPlaces {
  const { host, output, deviceOf } = placement;
  const overrideOf = overridesOf(settings, placement);
  const normLast = EMBEDDING_NORM_LAST.has(model.architecture ?? "");
  const alone = new Map([host, ...placement.gpus].map((device) => [device, [device]]));
  const only = (device: Device): readonly Device[] => alone.get(device) ?? [device];
  const unheld = new Map(placement.gpus.map(({ kind }) => [kind, notHeldBy(kind, model)]));
  const held = (name: string, device: Device): readonly Device[] =>
    only(unheld.get(device.kind)?.has(name) ? host : device);
  const ofBlocks = sharingDevices(model, placement);
  const readByRow = new Set(model.tensors.filter(isReadByRow).map(({ name }) => name));
  const find = (name: string): readonly Device[] => {
    if (UNUSED.test(name)) return [];
    // What is read from the file stays with the host, whatever an override says (`src/llama-model-loader.cpp:1211`).
    if (readByRow.has(name)) return only(host);
    const override = overrideOf(name);
    if (override !== undefined) return only(override);
    const block = BLOCK.exec(name);
    if (block !== null) return held(name, deviceOf(Number(block[1])));
    const base = name.replace(SUFFIX, "");
    if (INPUT.has(base)) return only(host);
    if (OUTPUT.has(base) || (normLast && base === "token_embd_norm")) return held(name, output);
    return SHARED_BY_BLOCKS.test(name) ? ofBlocks : held(name, deviceOf(0));
  };
  const found = new Map<string, readonly Device[]>();
  const devicesOf = (name: string): readonly Device[] => {
    const known = found.get(name) ?? find(name);
    found.set(name, known);
    return known;
  };
  // A pattern for the embedding holds for its copy as well, which has its name.
  return { devicesOf, tiedOutput: overrideOf(EMBEDDING) ?? held(EMBEDDING, output)[0] ?? output };
}

/** The matrices that lie on the host and are multiplied with, and whether they put out: a tied embedding does. */
export function* hostMatrices(
  { tensors, tiedEmbeddings }: Model,
  { devicesOf, tiedOutput }: TensorPlaces,
  { host }: Placement,
): Generator<{ readonly tensor: ModelTensor; readonly putsOut: boolean }> {
  for (const tensor of tensors) {
    const { name, shape, component } = tensor;
    if (shape.length < 2 || component === "mtp" || devicesOf(name)[0] !== host) continue;
    const isTied = name === EMBEDDING && tiedEmbeddings && tiedOutput === host;
    if (component !== "embedding" || isTied) yield { tensor, putsOut: component === "output" || isTied };
  }
}

/** Device by the first pattern that fits a name, which decides before any other rule. */
function overridesOf(settings: LlamaCppSettings, { host, gpus }: Placement): (name: string) => Device | undefined {
  const { overrideTensors, cpuMoeLayers, cpuFeedForwardLayers } = settings;
  const named = new Map([host, ...gpus].map((device) => [device.name, device]));
  const given = overrideTensors.map(({ pattern, device }) => ({
    pattern: new RegExp(pattern),
    device: named.get(device) ?? host,
  }));
  const blockOf = (name: string): number => Number(BLOCK.exec(name)?.[1] ?? Number.POSITIVE_INFINITY);
  return (name) => {
    const override = given.find(({ pattern }) => pattern.test(name));
    if (override !== undefined) return override.device;
    if (cpuMoeLayers !== 0 && EXPERTS.test(name) && (cpuMoeLayers === "all" || blockOf(name) < cpuMoeLayers))
      return host;
    return cpuFeedForwardLayers > 0 && DENSE.test(name) && blockOf(name) < cpuFeedForwardLayers ? host : undefined;
  };
}

function sharingDevices({ layers, architecture }: Model, { deviceOf }: Placement): readonly Device[] {
  const predicting = ROTARY_FACTORS_IN_PREDICTING.has(architecture ?? "");
  const fullOnly = ROTARY_FACTORS_IN_FULL_LAYERS.has(architecture ?? "");
  const blocks = layers.flatMap(({ mixer, mtp }, block) => {
    const windowed = mixer.kind === "attention" && mixer.window.kind !== "none";
    return (mtp === true && !predicting) || (fullOnly && windowed) ? [] : [block];
  });
  return [...new Set(blocks.map(deviceOf))];
}

function names(list: string): ReadonlySet<string> {
  return new Set(list.split(" "));
}
