import { quote } from "../bytes/printable.ts";
import type { Reporter } from "../diagnostics.ts";
import { ggufText } from "./gguf-keys.ts";
import type { GgufInput, ModelInput } from "./model-input.ts";
import type { ShapeClaim } from "./shape.ts";

/** What a GGUF file may be besides a model (`general.type`), and what to weigh instead. */
const OTHER_GGUF_TYPES: ReadonlyMap<string, string> = new Map([
  ["adapter", "an adapter; weigh the model it is for, and add these weights"],
  ["mmproj", "the projector of a multimodal model; weigh the model it is for, and add these weights"],
  ["imatrix", "an importance matrix, which is used when quantizing a model and is no part of it"],
]);

const LORA_TENSOR = /\.lora_(?:A|B|embedding_A|embedding_B)(?:\.|$)|\.weight\.lora_[ab]$/;

/** What a GGUF file says it is; older projectors and adapters say it by other keys alone. */
function ggufType({ metadata }: GgufInput): string | undefined {
  if (ggufText(metadata, "general.architecture") === "clip") return "mmproj";
  return ggufText(metadata, "general.type") ?? (metadata.has("adapter.type") ? "adapter" : undefined);
}

/** Says when the files are no model of their own, or one whose architecture is not covered. */
export function reportWhatItIsNot(input: ModelInput, claim: ShapeClaim, report: Reporter): void {
  const other = input.format === "gguf" ? OTHER_GGUF_TYPES.get(ggufType(input) ?? "") : undefined;
  const adapter = input.tensors.some(({ name }) => LORA_TENSOR.test(name))
    ? OTHER_GGUF_TYPES.get("adapter")
    : undefined;
  const instead = other ?? adapter;
  if (instead !== undefined) {
    report(
      "no-model",
      `This is ${instead}. Only its weights are given.`,
      input.format === "gguf" ? "general.type" : "lora",
    );
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
