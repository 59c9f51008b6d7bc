import { quote } from "../bytes/printable.ts";
import type { Reporter } from "../diagnostics.ts";
import type { TensorEntry } from "../formats/tensor-entry.ts";
import { ggufText } from "./gguf-keys.ts";
import type { GgufInput, ModelInput } from "./model-input.ts";
import type { ShapeClaim } from "./shape.ts";

/** What files may be besides a model, and what to weigh instead. */
const OTHERS: ReadonlyMap<string, string> = new Map([
  ["adapter", "an adapter; weigh the model it is for, and add these weights"],
  ["controlvector", "a control vector; weigh the model it steers, and add these weights"],
  ["mmproj", "the projector of a multimodal model; weigh the model it is for, and add these weights"],
  ["imatrix", "an importance matrix, which is used when quantizing a model and is no part of it"],
]);

/** Architectures that are no model's: files older than `general.type` say what they are by these alone. */
const BY_ARCHITECTURE: ReadonlyMap<string, string> = new Map([
  ["clip", "mmproj"],
  ["controlvector", "controlvector"],
]);

const LORA_TENSOR = /\.lora_(?:A|B|embedding_A|embedding_B)(?:\.|$)|\.weight\.lora_[ab]$/;

/** The matrix that an adapter adds to. A model published with its adapters holds both (Phi-4 multimodal). */
const ADAPTED_TENSOR = /\.base_layer\.weight$/;

/** Says what the files are instead of a model; undefined for a model. */
export function otherThanModel(input: ModelInput): string | undefined {
  const kind = input.format === "gguf" ? ggufKind(input) : undefined;
  return OTHERS.get(kind ?? (isAdapter(input.tensors) ? "adapter" : ""));
}

function ggufKind({ metadata }: GgufInput): string | undefined {
  return (
    BY_ARCHITECTURE.get(ggufText(metadata, "general.architecture") ?? "") ??
    ggufText(metadata, "general.type") ??
    (metadata.has("adapter.type") ? "adapter" : undefined)
  );
}

function isAdapter(tensors: readonly TensorEntry[]): boolean {
  return tensors.some(({ name }) => LORA_TENSOR.test(name)) && !tensors.some(({ name }) => ADAPTED_TENSOR.test(name));
}

/** What files claim that are no model: nothing but a name. */
export function claimNothing(input: ModelInput): ShapeClaim {
  const named =
    input.format === "gguf" ? ggufText(input.metadata, "general.architecture") : input.config?.get("model_type");
  return {
    origin: "the keys",
    architecture: typeof named === "string" ? named : undefined,
    known: false,
    layerCount: undefined,
    hiddenSize: undefined,
    vocabularySize: undefined,
    trainedContext: undefined,
    layers: undefined,
    mtpLayerCount: 0,
    mtpLayers: [],
    attentionHeads: undefined,
    kvHeads: undefined,
    causal: true,
    outputFromEmbedding: true,
    expertLayersByTensors: false,
    tiedEmbeddings: undefined,
  };
}

/** Says when the files are no model of their own, or one whose architecture is not covered. */
export function reportWhatItIsNot(input: ModelInput, claim: ShapeClaim, report: Reporter): void {
  const other = otherThanModel(input);
  if (other !== undefined) {
    const where = input.format === "gguf" ? "general.type" : "lora";
    report("no-model", `This is ${other}. Only its weights are given.`, where);
    return;
  }
  if (input.tensors.length === 0) {
    report(
      "no-model",
      "There are no tensors here, as in a file that holds a vocabulary alone: what the keys describe is given, its weights are not.",
      "tensors",
    );
  }
  if (claim.known) return;
  const keys = input.format === "gguf" ? "general.architecture" : "model_type";
  const named =
    claim.architecture === undefined
      ? `The ${input.format === "gguf" ? "GGUF keys name" : input.config ? "config.json names" : "files (there is no config.json) name"} no architecture`
      : `The architecture ${quote(claim.architecture)} is not covered`;
  report(
    "unknown-architecture",
    `${named}: weights are exact, what its layers cache is not computed. weighin's repository says how to add an entry (docs/adding-an-architecture.md).`,
    keys,
  );
}
