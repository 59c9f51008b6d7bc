import type { Model, ModelTensor } from "../../model/model.ts";
import type { Device } from "../device.ts";
import { LOOKED_UP_BY_CUDA, LOOKED_UP_WHOLE, MULTIPLIED_BY_CUDA } from "./cuda/types.ts";
import { NOT_MULTIPLIED_BY_METAL } from "./metal/types.ts";

/** Tensors of blocks and of the output that rows are looked up in (`LLM_TENSOR_INFOS`, `src/llama-arch.cpp:716`). */
const TABLES =
  /(?:^|\.)(?:attn_compressor_ape|attn_rel_b|indexer_compressor_ape|ffn_gate_tid2eid|nextn\.embed_tokens|d2t|markov_w1|selector_predecessor|selector_successor)(?:\.weight)?$/;
const CONVOLUTIONS = /\.(?:ssm_conv1d|shortconv\.conv|ple_conv1d)\.weight$/;
const DECAYS = /\.ssm_a$/;

/** Architectures whose decays go into a scan, and are not multiplied with. */
const SCANS: ReadonlySet<string> = new Set([
  "falcon-h1",
  "granitehybrid",
  "jamba",
  "mamba",
  "mamba2",
  "nemotron_h",
  "nemotron_h_moe",
  "plamo2",
]);

const VECTORS: ReadonlySet<string> = new Set(["F32", "F16"]);

/**
 * Names of weights that a kind of GPU has no operation for: they stay on the host though their block is on such a GPU
 * (llama.cpp 0.5.0 `src/llama-model-loader.cpp:927`, weight_buft_supported; supports_op of the backends).
 */
export function notHeldBy(kind: Device["kind"], model: Model): ReadonlySet<string> {
  if (kind === "cpu") return new Set();
  const isHeld = kind === "cuda" ? isHeldByCuda : isHeldByMetal;
  return new Set(model.tensors.filter((tensor) => !isHeld(tensor, model)).map(({ name }) => name));
}

/** Asked about as the matrix beside them. */
const SCALE = /\.(?:input_)?scale$/;

/** Vectors are added to and multiplied with what is in 32 bits, and have to be so as well. */
function isHeldByMetal({ name, dtype, shape }: ModelTensor): boolean {
  return shape.length > 1 || TABLES.test(name) || SCALE.test(name)
    ? !NOT_MULTIPLIED_BY_METAL.has(dtype)
    : dtype === "F32";
}

function isHeldByCuda(tensor: ModelTensor, model: Model): boolean {
  const { name, dtype, shape } = tensor;
  const [width = 0, rows = 1] = shape;
  if (TABLES.test(name)) return LOOKED_UP_BY_CUDA.has(dtype) || (LOOKED_UP_WHOLE.has(dtype) && width % 256 === 0);
  if (CONVOLUTIONS.test(name)) return rows % 128 === 0;
  if (DECAYS.test(name) && SCANS.has(model.architecture ?? "")) return isScanned(tensor, model);
  return shape.length > 1 ? MULTIPLIED_BY_CUDA.has(dtype) : VECTORS.has(dtype);
}

/** Mamba-2 has one decay for each head, Mamba-1 one for each element of the state. */
function isScanned({ shape: [width = 0, heads = 1] }: ModelTensor, { architecture, metadata }: Model): boolean {
  const size = (key: string): number => Number(metadata[`${architecture}.ssm.${key}`] ?? 0);
  const head = Math.floor(size("inner_size") / heads);
  if (width === 1) return (size("state_size") === 128 || size("state_size") === 256) && head % 16 === 0;
  return width === 16 && head === 1 && heads % 128 === 0 && size("group_count") <= 1;
}
