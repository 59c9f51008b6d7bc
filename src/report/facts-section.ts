import { printable } from "../bytes/printable.ts";
import type { Model } from "../model/model.ts";
import { feedForwardSummary, mixerSummary, perLayer } from "./mixer-summary.ts";
import type { Style } from "./style.ts";
import { formatBytes, formatCount, formatInteger, formatPlural } from "./units.ts";
import { truncate, wrap } from "./width.ts";

const LABEL_COLUMNS = 14;
/** Lines one fact may take before it is cut: NAS models have a different width in every layer. */
const FACT_LINES = 4;
const UNKNOWN = "not known";

type Fact = readonly [label: string, text: string | undefined];

function nameOf(model: Model): string {
  const name = model.metadata["general.name"];
  return printable(typeof name === "string" && name.trim() !== "" ? name : model.source.id);
}

function architecture(model: Model): string {
  const { quantization } = model;
  const name = model.architecture === null ? `architecture ${UNKNOWN}` : printable(model.architecture);
  const packed =
    quantization === null || quantization.method === "ggml" ? "" : `, packed as ${printable(quantization.method)}`;
  return `${name} (${model.format}${packed}), ${sizes(model)}`;
}

function sizes(model: Model): string {
  const mtp = model.mtpLayerCount === 0 ? "" : ` + ${model.mtpLayerCount} predicting further tokens`;
  const layers = model.layerCount === null ? `layers ${UNKNOWN}` : formatPlural(model.layerCount, "layer");
  const hidden = model.hiddenSize === null ? UNKNOWN : formatInteger(model.hiddenSize);
  return `${layers}${mtp}${encoder(model)}, hidden size ${hidden}`;
}

function encoder({ encoder }: Model): string {
  if (encoder === undefined) return "";
  const layers = encoder.layerCount === null ? "" : ` of ${formatPlural(encoder.layerCount, "layer")}`;
  return ` after an encoder${layers} (${formatBytes(encoder.weightBytes)})`;
}

function heads(model: Model): string | undefined {
  if (model.attentionHeads === null) return undefined;
  const kv = model.kvHeads === null ? "" : `, ${perLayer(model.kvHeads)} key/value`;
  return `${perLayer(model.attentionHeads)} query${kv}${headWidths(model.headDim)}`;
}

function headWidths(headDim: Model["headDim"]): string {
  if (headDim === null) return "";
  const [key, value] = [formatInteger(headDim.key), formatInteger(headDim.value)];
  return key === value ? `, each ${key} wide` : `, keys ${key} and values ${value} wide`;
}

function context(model: Model): string {
  const trained = model.trainedContext === null ? UNKNOWN : `${formatInteger(model.trainedContext)} tokens trained`;
  const vocabulary = model.vocabularySize === null ? UNKNOWN : formatPlural(model.vocabularySize, "token");
  return `${trained}; vocabulary ${vocabulary}`;
}

function parameters({ parameters: { total, active }, tiedEmbeddings }: Model): string {
  const some = active === total ? "" : `, ${formatCount(active)} active per token`;
  const tied = tiedEmbeddings ? ", output tied to the embedding" : "";
  return `${formatCount(total)} (${formatInteger(total)})${some}${tied}`;
}

function reading({ source }: Model): string {
  const requests = source.requests === 0 ? "" : ` in ${formatPlural(source.requests, "request")}`;
  const commit = source.commit === undefined ? "" : `, commit ${printable(source.commit.slice(0, 12))}`;
  return `${formatPlural(source.files.length, "file")}, ${formatBytes(source.bytesRead)} read${requests}${commit}`;
}

function facts(model: Model, title: string): readonly Fact[] {
  const id = printable(model.source.id);
  const revision = model.source.revision === undefined ? "" : ` at ${printable(model.source.revision)}`;
  return [
    ["from", id === title ? reading(model) : `${id}${revision} (${reading(model)})`],
    ["architecture", architecture(model)],
    ["parameters", parameters(model)],
    ["mixers", mixerSummary(model.layers).join("; ") || undefined],
    ["heads", heads(model)],
    ["feed-forward", feedForwardSummary(model.layers).join("; ") || undefined],
    ["context", context(model)],
  ];
}

/** What the model is: a title and one line per fact. */
export function factsSection(model: Model, style: Style, columns: number): readonly string[] {
  const title = nameOf(model);
  const lines = facts(model, title).flatMap(([label, text]) => {
    if (text === undefined) return [];
    const all = wrap(text, columns - LABEL_COLUMNS - 2);
    const kept = all.length > FACT_LINES ? [...all.slice(0, FACT_LINES - 1), "…"] : all;
    return kept.map((line, index) => `  ${style.dim((index === 0 ? label : "").padEnd(LABEL_COLUMNS))}${line}`);
  });
  return [style.bold(truncate(title, columns)), ...lines];
}
