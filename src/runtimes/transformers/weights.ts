import type { Model, ModelTensor } from "../../model/model.ts";
import type { Device } from "../device.ts";
import type { Certainty, MemoryItem } from "../estimate.ts";
import { floatBytes } from "../float-dtype.ts";
import { KEPT_IN_FLOAT32 } from "./kept-in-float32.ts";

/** Tensors that a tied model drops: the output matrix is the embedding. */
const OUTPUT_MATRIX = /(^|\.)lm_head\.weight$/;

/** An embedding for encoder and decoder, and copies of it that some files hold. */
const SHARED_EMBEDDING = /(^|\.)shared\.weight$/;
const EMBEDDING_COPY = /(^|\.)(encoder|decoder)\.embed_tokens\.weight$/;

/** Make positions for encoder and decoder on loading (`modeling_marian.py`, `_keys_to_ignore_on_save`). */
const MAKES_POSITIONS: ReadonlySet<string> = new Set(["marian"]);

/**
 * Packings that are unpacked on loading where there is no CUDA device (`quantizers/quantizer_mxfp4.py` and
 * `quantizer_finegrained_fp8.py`, validate_environment).
 */
const UNPACKED_WITHOUT_CUDA: ReadonlySet<string> = new Set(["fp8", "mxfp4"]);

type Loading = "converted" | "unpacked" | "as stored";

/**
 * Parameters on the device after `from_pretrained`: floating-point tensors in the type the model runs in, packed and
 * integer tensors as stored unless they are unpacked, one copy of tied matrices, no blocks that predict further tokens.
 */
export function weightItem(model: Model, dtype: string, device: Device, proven: Certainty): MemoryItem {
  const loading = loadingOf(model, device);
  const bytes = loadedTensorBytes(model, dtype, device).reduce((sum, each) => sum + each, 0);
  return {
    component: "weights",
    label: `weights, ${loading === "as stored" ? loading : loading === "unpacked" ? `unpacked to ${dtype}` : dtype}`,
    device: device.name,
    bytes,
    // Packed weights that stay packed were not run: their kernels need a GPU.
    certainty: loading === "as stored" ? "derived" : proven,
    source: "transformers 5.23.0 modeling_utils.py, from_pretrained",
  };
}

/** Tensors of the file that are loaded: tied matrices once, no blocks that predict further tokens. */
export function loadedTensors(model: Model): readonly ModelTensor[] {
  const sharesEmbedding = model.encoder !== undefined && model.tensors.some(({ name }) => SHARED_EMBEDDING.test(name));
  return model.tensors.filter(
    (tensor) => isLoaded(tensor, model) && !(sharesEmbedding && EMBEDDING_COPY.test(tensor.name)),
  );
}

/** Bytes of each tensor on the device. */
export function loadedTensorBytes(model: Model, dtype: string, device: Device): number[] {
  const elementBytes = floatBytes(dtype) ?? FLOAT32_BYTES;
  const loading = loadingOf(model, device);
  return [
    madePositions(model) * elementBytes,
    ...loadedTensors(model).map((tensor) =>
      isConverted(tensor, loading)
        ? tensor.parameters * (staysFloat32(tensor, model, dtype) ? FLOAT32_BYTES : elementBytes)
        : tensor.bytes,
    ),
  ];
}

/** Elements of positions that follow from a formula, where the file does not hold them. */
function madePositions({ architecture, tensors, trainedContext, hiddenSize }: Model): number {
  const made = MAKES_POSITIONS.has(architecture ?? "") && !tensors.some(({ name }) => name.includes("embed_positions"));
  return made ? 2 * (trainedContext ?? 0) * (hiddenSize ?? 0) : 0;
}

const FLOAT32_BYTES = 4;

/** Quantized checkpoints keep the types they were stored in, scales included, or lose both. */
function loadingOf({ quantization }: Model, { kind }: Device): Loading {
  if (quantization === null) return "converted";
  return kind !== "cuda" && UNPACKED_WITHOUT_CUDA.has(quantization.method) ? "unpacked" : "as stored";
}

/** In the type the model runs in. Unpacking leaves nothing of scales, which stand for no parameters. */
function isConverted({ dtype, elements, parameters }: ModelTensor, loading: Loading): boolean {
  if (loading === "as stored") return false;
  if (floatBytes(dtype) !== undefined) return true;
  return loading === "unpacked" && (parameters !== elements || FLOAT8.test(dtype));
}

const FLOAT8 = /^F8_E[45]M/;

function staysFloat32(tensor: ModelTensor, model: Model, dtype: string): boolean {
  const kept = KEPT_IN_FLOAT32.get(model.architecture ?? "");
  return kept?.always?.test(tensor.name) === true || (dtype === "F16" && kept?.inFloat16?.test(tensor.name) === true);
}

function isLoaded(tensor: ModelTensor, model: Model): boolean {
  if (tensor.component === "mtp") return false;
  return !(model.tiedEmbeddings && OUTPUT_MATRIX.test(tensor.name));
}
