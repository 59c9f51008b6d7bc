import { InspectError } from "../errors.ts";

/** How one option is checked: a predicate and what it wants, in words. */
export type OptionRule = { readonly wants: string; readonly accepts: (value: unknown) => boolean };

export const POSITIVE_INTEGER: OptionRule = {
  wants: "a positive integer",
  accepts: (value) => typeof value === "number" && Number.isSafeInteger(value) && value > 0,
};

export const COUNT: OptionRule = {
  wants: "zero or a positive integer",
  accepts: (value) => typeof value === "number" && Number.isSafeInteger(value) && value >= 0,
};

/** Either of two rules. */
export function either(first: OptionRule, second: OptionRule): OptionRule {
  return {
    wants: `${first.wants}, or ${second.wants}`,
    accepts: (value) => first.accepts(value) || second.accepts(value),
  };
}

/** A list, each entry of which one rule accepts. */
export function listOf(rule: OptionRule): OptionRule {
  return {
    wants: `a list, each entry ${rule.wants}`,
    accepts: (value) => Array.isArray(value) && value.every(rule.accepts),
  };
}

export const SHARE: OptionRule = {
  wants: "a finite number that is not negative",
  accepts: (value) => typeof value === "number" && Number.isFinite(value) && value >= 0,
};

/** llama.cpp and PyTorch count tokens in 32 bits. */
const MAX_TOKENS = 2 ** 31 - 1;

/** A positive integer with an upper bound. */
export function upTo(most: number): OptionRule {
  return {
    wants: `a positive integer up to ${most}`,
    accepts: (value) => POSITIVE_INTEGER.accepts(value) && Number(value) <= most,
  };
}

export const TOKENS: OptionRule = upTo(MAX_TOKENS);

export const BOOLEAN: OptionRule = { wants: "true or false", accepts: (value) => typeof value === "boolean" };

/** One of a few words or numbers, or `false` where it is among them. */
export function oneOf(words: readonly (string | number | false)[]): OptionRule {
  return {
    wants: `one of ${words.map((word) => JSON.stringify(word)).join(", ")}`,
    accepts: (value) => words.some((word) => word === value),
  };
}

/** What a model runs in; `auto` is what it is stored in. */
export const FLOAT_DTYPE: OptionRule = oneOf(["auto", "float32", "float16", "bfloat16"]);

const DEVICE_KINDS = ["cuda", "metal", "cpu"];

export const DEVICES: OptionRule = {
  wants: 'a non-empty list of { name, kind: "cuda" | "metal" | "cpu", memoryBytes? } with different names',
  accepts: (value) =>
    Array.isArray(value) &&
    value.length > 0 &&
    value.every(isDevice) &&
    new Set(value.map(nameOf)).size === value.length,
};

function nameOf(device: { readonly name: string }): string {
  return device.name;
}

function isDevice(value: unknown): value is { name: string } {
  if (typeof value !== "object" || value === null) return false;
  const { name, kind, memoryBytes } = value as { name?: unknown; kind?: unknown; memoryBytes?: unknown };
  return (
    typeof name === "string" &&
    name !== "" &&
    typeof kind === "string" &&
    DEVICE_KINDS.includes(kind) &&
    (memoryBytes === undefined || POSITIVE_INTEGER.accepts(memoryBytes))
  );
}

/** Rejects unknown options and values of the wrong kind, naming the option, what it wants and what it got. */
export function checkOptions(given: object, rules: { readonly [option: string]: OptionRule }): void {
  for (const [option, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const rule = Object.hasOwn(rules, option) ? rules[option] : undefined;
    if (rule === undefined) {
      const known = Object.keys(rules).join(", ");
      throw new InspectError("invalid-option", `options.${option} is not an option here; there are: ${known}`, {
        key: option,
      });
    }
    if (!rule.accepts(value)) {
      throw new InspectError("invalid-option", `options.${option} must be ${rule.wants}, got ${show(value)}`, {
        key: option,
      });
    }
  }
}

function show(value: unknown): string {
  return typeof value === "number" || typeof value === "bigint"
    ? String(value)
    : (JSON.stringify(value) ?? typeof value);
}
