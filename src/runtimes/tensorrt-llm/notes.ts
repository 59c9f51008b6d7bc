import type { Diagnostic } from "../../diagnostics.ts";
import { attentionPart } from "../../model/mixer-parts.ts";
import type { Model } from "../../model/model.ts";
import type { Capacity } from "../estimate.ts";
import type { TensorrtLlmSettings } from "./settings.ts";
import { SUPPORTED_CLASSES } from "./supported-classes.ts";
import { ENGINE } from "./version.ts";

/** The class that config.json names first is the one the engine looks up (`modeling_utils.py`, MODEL_CLASS_MAPPING). */
export function modelNotes({ metadata }: Model): Diagnostic[] {
  const classes = metadata["architectures"];
  const name = Array.isArray(classes) ? classes[0] : undefined;
  if (typeof name !== "string" || SUPPORTED_CLASSES.has(name)) return [];
  return [
    {
      code: "unsupported-runtime",
      message: `The PyTorch backend of ${ENGINE} does not list ${name} among the models it supports; the figures are what it would take.`,
      where: "architectures",
    },
  ];
}

/** What of the cache may surprise. */
export function cacheNotes(model: Model, settings: TensorrtLlmSettings, capacity: Capacity | undefined): Diagnostic[] {
  const { contextTokens, maxAttentionWindow, maxBeamWidth } = settings;
  const windows = model.layers.map(({ mixer }) => attentionPart(mixer)?.window);
  const cut = windows.filter(
    (window) => window !== undefined && window.kind !== "none" && window.tokens < contextTokens,
  );
  const notes: Diagnostic[] = [];
  if (cut.length > 0 && maxAttentionWindow === undefined) {
    notes.push({
      code: "not-counted",
      message: `${cut.length} layers attend to a window, but ${ENGINE} keeps the whole context for them unless maxAttentionWindow is given.`,
      where: "maxAttentionWindow",
    });
  }
  if (capacity !== undefined && capacity.concurrency < 1) {
    const to = maxAttentionWindow === undefined ? ` to ${Math.floor(capacity.tokens / maxBeamWidth)}` : "";
    notes.push({
      code: "unsupported-option",
      message: `The pool holds no request of ${contextTokens} tokens: ${ENGINE} starts with max_seq_len cut${to}.`,
      where: "contextTokens",
    });
  }
  return notes;
}
