import type { Reporter } from "../diagnostics.ts";
import type { TensorEntry } from "../formats/tensor-entry.ts";
import { claimFromConfig } from "./claim-config.ts";
import { claimFromGguf } from "./claim-gguf.ts";
import { quantizationConfig } from "./config.ts";
import { deepFreeze } from "./freeze.ts";
import { headFacts } from "./head-facts.ts";
import { configMetadata, ggufMetadata } from "./metadata.ts";
import type { MetadataValue, Model, ModelEncoder, ModelLayer, Quantization } from "./model.ts";
import type { ModelInput } from "./model-input.ts";
import { claimNothing, otherThanModel, reportWhatItIsNot } from "./not-a-model.ts";
import { type DecodedWeights, decodeWeights } from "./packed-weights.ts";
import { reconcile, type SettledShape } from "./reconcile.ts";
import type { ShapeClaim } from "./shape.ts";
import { claimFromTensors, type TensorClaim } from "./tensor-claim.ts";
import { placeTensors, type TensorPlace } from "./tensor-names.ts";
import { countParameters, describeTensors, layerBytes, weighTensors } from "./weights.ts";

/** Everything about a model but where it was read from. */
export type BuiltModel = Omit<Model, "source" | "diagnostics">;

export type BuildModel = typeof buildModel;

/**
 * Derives a model from what its headers say: what the keys claim, held against what the tensors prove. Problems go to
 * `input.report`; nothing is thrown for a model that makes no sense.
 */
export function buildModel(input: ModelInput): BuiltModel {
  const { format, tensors, limits, report } = input;
  const places = placeTensors(format, tensors);
  const proven = claimFromTensors(format, tensors, places, limits.layers - 1);
  const claim = claimOf(input, proven);
  const shape = reconcile(claim, proven, report);
  reportWhatItIsNot(input, claim, report);

  const decoded = decode(input);
  const layerShapes = [...shape.main, ...shape.mtp];
  const described = describeTensors(tensors, places, decoded.parameters, {
    main: shape.main.length,
    all: layerShapes.length,
  });
  const parameters = countParameters(described, layerShapes);
  const weights = weighTensors(described);
  reportImpossibleWeights(parameters.total, weights.bytes, report);
  const bytesByLayer = layerBytes(described, layerShapes.length);
  return deepFreeze({
    schemaVersion: 1,
    format,
    architecture: claim.architecture ?? null,
    layerCount: claim.layerCount ?? null,
    mtpLayerCount: shape.mtp.length,
    hiddenSize: shape.hiddenSize,
    vocabularySize: shape.vocabularySize,
    trainedContext: claim.trainedContext ?? null,
    ...headFacts(shape.main, claim),
    causal: claim.causal,
    tiedEmbeddings: tiedEmbeddings(format, claim, proven),
    layers: layerShapes.map(
      (layer, index): ModelLayer => ({
        index,
        ...layer,
        weightBytes: bytesByLayer[index] ?? 0,
        ...(index < shape.main.length ? {} : { mtp: true }),
      }),
    ),
    ...encoderOf(shape, tensors, places),
    parameters,
    weights,
    tensors: described,
    quantization: quantizationOf(decoded.method, weights.bytes, parameters.total),
    metadata: metadataOf(input),
  });
}

function claimOf(input: ModelInput, proven: TensorClaim): ShapeClaim {
  if (otherThanModel(input) !== undefined) return claimNothing(input);
  return input.format === "gguf" ? claimFromGguf(input, proven) : claimFromConfig(input, proven);
}

function encoderOf(
  { encoderLayers }: SettledShape,
  tensors: readonly TensorEntry[],
  places: readonly TensorPlace[],
): { readonly encoder?: ModelEncoder } {
  if (encoderLayers === undefined) return {};
  const weightBytes = tensors.reduce((sum, { bytes }, index) => sum + (places[index]?.encoder ? bytes : 0), 0);
  return { encoder: { layerCount: encoderLayers, weightBytes } };
}

/** Shapes in GGUF are logical: every stored element is a parameter. */
function decode(input: ModelInput): DecodedWeights {
  if (input.format === "safetensors") {
    return decodeWeights(input.tensors, input.config && quantizationConfig(input.config), input.report);
  }
  const quantized = input.tensors.some(isQuantized);
  return { parameters: input.tensors.map(({ elements }) => elements), method: quantized ? "ggml" : undefined };
}

const UNQUANTIZED_DTYPES: ReadonlySet<string> = new Set(["F64", "F32", "F16", "BF16", "I8", "I16", "I32", "I64"]);

function isQuantized({ dtype }: TensorEntry): boolean {
  return !UNQUANTIZED_DTYPES.has(dtype);
}

function quantizationOf(method: string | undefined, bytes: number, parameters: number): Quantization | null {
  if (method === undefined) return null;
  return { method, bitsPerWeight: parameters > 0 ? (8 * bytes) / parameters : 0 };
}

/**
 * llama.cpp makes the output of the embedding where no output matrix is stored. transformers ties when the
 * configuration says so, even if both are stored. Most encoders without an output matrix have no output to tie.
 */
function tiedEmbeddings(format: "gguf" | "safetensors", claim: ShapeClaim, proven: TensorClaim): boolean {
  if (!claim.outputFromEmbedding && !proven.hasOutput) return false;
  const outputMissing = proven.hasEmbedding && !proven.hasOutput;
  return format === "gguf" ? outputMissing : (claim.tiedEmbeddings ?? outputMissing);
}

/** No parameter takes less than a bit. */
function reportImpossibleWeights(parameters: number, bytes: number, report: Reporter): void {
  if (parameters <= 8 * bytes) return;
  report(
    "inconsistent-model",
    `the tensors stand for ${parameters} parameters but have ${bytes} bytes, less than one bit each; the count is not to be trusted.`,
    "parameters",
  );
}

function metadataOf(input: ModelInput): { readonly [key: string]: MetadataValue } {
  const { keptArrayEntries } = input.limits;
  if (input.format === "gguf") return ggufMetadata(input.metadata, keptArrayEntries);
  return configMetadata(input.config ?? input.metadata, keptArrayEntries);
}
