import { InspectError } from "../../errors.ts";
import type { Model } from "../../model/model.ts";
import { trainedContextOf } from "../context-tokens.ts";
import { checkOneDevice } from "../one-device.ts";
import {
  COUNT,
  checkOptions,
  DEVICES,
  FLOAT_DTYPE,
  type OptionRule,
  oneOf,
  POSITIVE_INTEGER,
  TOKENS,
} from "../options.ts";
import { EAGER_ONLY } from "./eager-only.ts";
import { checkQuantized } from "./quantized-cache.ts";
import { TRANSFORMERS_VERSION } from "./version.ts";
import type { TransformersWorkload } from "./workload.ts";

/** A workload with every default filled in. */
export type TransformersSettings = Required<TransformersWorkload>;

const RULES: { readonly [option in keyof TransformersSettings]: OptionRule } = {
  runtime: oneOf(["transformers"]),
  contextTokens: TOKENS,
  promptTokens: TOKENS,
  newTokens: COUNT,
  beams: POSITIVE_INTEGER,
  attention: oneOf(["sdpa", "eager", "flash"]),
  sequences: POSITIVE_INTEGER,
  devices: DEVICES,
  dtype: FLOAT_DTYPE,
  cache: oneOf(["dynamic", "static", "quantized"]),
  cacheBits: { wants: "2 or 4", accepts: (value) => value === 2 || value === 4 },
  version: {
    wants: 'a version like "5.14.1"',
    accepts: (value) => typeof value === "string" && /^\d{1,4}(\.\d{1,4}){0,3}$/.test(value),
  },
};

/**
 * Model types that take no static cache: no static layer has what the compressors ask for (`modeling_deepseek_v4.py`,
 * DeepseekV4PreTrainedModel), or the model insists on a cache of its own (`modeling_minimax.py`, MiniMaxModel.forward).
 */
const WITHOUT_STATIC_CACHE: ReadonlySet<string> = new Set(["deepseek_v4", "minimax"]);

/** Checks a workload and fills in its defaults. */
export function resolveSettings(model: Model, workload: TransformersWorkload): TransformersSettings {
  checkOptions(workload, RULES);
  const devices = workload.devices ?? [{ name: "CPU", kind: "cpu" }];
  checkOneDevice(devices);
  if (workload.cache === "static" && WITHOUT_STATIC_CACHE.has(model.architecture ?? "")) {
    throw new InspectError("unsupported-option", `${model.architecture} has no static cache`, { key: "cache" });
  }
  const tokens = tokensOf(model, workload);
  if (workload.cache === "quantized") checkQuantized(model, tokens);
  return {
    runtime: "transformers",
    ...tokens,
    beams: workload.beams ?? 1,
    attention: attentionOf(model, workload),
    sequences: workload.sequences ?? 1,
    devices,
    dtype: workload.dtype ?? "auto",
    cache: workload.cache ?? "dynamic",
    cacheBits: workload.cacheBits ?? 4,
    version: workload.version ?? TRANSFORMERS_VERSION,
  };
}

type Tokens = Pick<TransformersSettings, "contextTokens" | "promptTokens" | "newTokens">;

/** Prompt and new tokens fill the context; an encoder's prompt stands beside it. */
function tokensOf(model: Model, { contextTokens, promptTokens, newTokens }: TransformersWorkload): Tokens {
  if (readsEncoder(model)) {
    const context = contextTokens ?? trainedContextOf(model);
    // A decoder begins with one token and makes the others.
    return {
      contextTokens: context,
      promptTokens: promptTokens ?? context,
      newTokens: checked(context, newTokens ?? context - 1),
    };
  }
  const given = promptTokens === undefined || newTokens === undefined ? undefined : promptTokens + newTokens;
  const context = contextTokens ?? given ?? trainedContextOf(model);
  if (given !== undefined && given !== context) {
    throw new InspectError(
      "invalid-option",
      `options.promptTokens and options.newTokens must fill options.contextTokens: ${promptTokens} and ${newTokens} make ${given}, not ${context}`,
      { key: "contextTokens" },
    );
  }
  const made = checked(context, newTokens ?? (promptTokens === undefined ? 0 : context - promptTokens));
  return { contextTokens: context, promptTokens: context - made, newTokens: made };
}

function checked(contextTokens: number, newTokens: number): number {
  if (newTokens >= 0 && newTokens < contextTokens) return newTokens;
  const message = `a context of ${contextTokens} tokens leaves ${contextTokens - newTokens} for the prompt and ${newTokens} to make: ask for more context`;
  throw new InspectError("invalid-option", message, { key: "contextTokens" });
}

function readsEncoder({ encoder, layers }: Model): boolean {
  return encoder !== undefined || layers.some(({ mixer, cross }) => mixer.kind === "cross" || cross !== undefined);
}

function attentionOf({ architecture }: Model, { attention }: TransformersWorkload): TransformersSettings["attention"] {
  if (!EAGER_ONLY.has(architecture ?? "")) return attention ?? "sdpa";
  if (attention !== "sdpa") return attention ?? "eager";
  throw new InspectError("unsupported-option", `${architecture} has no attention "sdpa"; choose "eager" or "flash"`, {
    key: "attention",
  });
}
