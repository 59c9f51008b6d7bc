import { quote } from "../bytes/printable.ts";
import type { Reporter } from "../diagnostics.ts";
import type { TensorEntry } from "../formats/tensor-entry.ts";
import type { ConfigObject } from "./config.ts";
import type { PackedTensor } from "./packed-scheme.ts";
import { PACKED_SCHEMES } from "./packed-schemes.ts";

/** What every tensor stands for, in order, and how the weights are packed when they are. */
export type DecodedWeights = { readonly parameters: readonly number[]; readonly method: string | undefined };

/** Types that hold no weight of their own in a language model: they are packed, or they are not weights. */
const INTEGER_DTYPES: ReadonlySet<string> = new Set(["U8", "U16", "I16", "I32", "U32"]);

/** Parts of names that packed weights go by; others of these types are masks and positions. */
const WEIGHT_PART = /weight|packed|W_q|codes/;

/**
 * Counts the parameters of safetensors weights. How a module is packed is told by the names and types of its own
 * tensors; the configuration only says what they cannot (bits and group sizes). A packing nobody knows here counts its
 * container elements and is reported.
 */
export function decodeWeights(
  tensors: readonly TensorEntry[],
  quantization: ConfigObject | undefined,
  report: Reporter,
): DecodedWeights {
  const modules = new Map<string, Map<string, TensorEntry>>();
  const bare = bareWeights(tensors);
  const packed = tensors.map((tensor): PackedTensor => {
    const { module, part } = splitName(tensor.name, bare);
    const siblings = modules.get(module) ?? new Map<string, TensorEntry>();
    if (siblings.size === 0) modules.set(module, siblings);
    siblings.set(part, tensor);
    return { part, tensor, siblings, module, quantization };
  });
  const declared = quantization && textOf(quantization, "quant_method");
  const bytesByMethod = new Map<string, number>();
  const undecoded: string[] = [];
  const parameters = packed.map((one) => {
    const { part, tensor } = one;
    let known = false;
    for (const scheme of PACKED_SCHEMES) {
      const count = scheme.count(one);
      if (count === undefined) continue;
      known = true;
      if (count === "undecoded") break;
      if (count > 0) bytesByMethod.set(scheme.method, (bytesByMethod.get(scheme.method) ?? 0) + tensor.bytes);
      return count;
    }
    if (known || (INTEGER_DTYPES.has(tensor.dtype) && WEIGHT_PART.test(part))) undecoded.push(tensor.name);
    return tensor.elements;
  });
  if (undecoded.length > 0) {
    report(
      "undecoded-weights",
      `${undecoded.length} packed tensor${undecoded.length === 1 ? " is" : "s are"} not decoded here${declared ? ` (${quote(declared)})` : ""}; stored elements are counted instead, so the parameter count is not that of the weights they stand for.`,
      undecoded[0] ?? "",
    );
  }
  const detected = [...bytesByMethod].sort(([, a], [, b]) => b - a)[0]?.[0];
  const isPacked = detected !== undefined || undecoded.length > 0;
  return { parameters, method: isPacked ? (declared ?? detected ?? "unknown") : undefined };
}

/** Types of weights that have their scales beside them. */
const CONTAINER_DTYPES: ReadonlySet<string> = new Set([...INTEGER_DTYPES, "I8", "F8_E4M3", "F8_E5M2"]);

/** What follows a weight that is no module (`…experts.gate_up_proj`), as the part of a module it stands for. */
const BARE_SUFFIXES: readonly (readonly [suffix: string, part: string])[] = [
  ["_weight_scale", "weight_scale"],
  ["_weight_scale_2", "weight_scale_2"],
  ["_weight_scale_inv", "weight_scale_inv"],
  ["_scale_inv", "weight_scale_inv"],
  ["_input_scale", "input_scale"],
  ["_activation_scale", "activation_scale"],
  ["_scale", "weight_scale"],
];

/** What gpt-oss calls its blocks and their exponents; as first published they were parts of a module. */
const MXFP4_SUFFIXES: readonly (readonly [suffix: string, part: string])[] = [
  ["_blocks", "_blocks"],
  ["_scales", "_scales"],
  ["_weight.blocks", "_blocks"],
  ["_weight.scales", "_scales"],
];

/** Names of packed weights that are no module but have scales beside them. */
function bareWeights(tensors: readonly TensorEntry[]): ReadonlySet<string> {
  const containers = new Set<string>();
  for (const { name, dtype } of tensors) {
    if (CONTAINER_DTYPES.has(dtype) && !name.endsWith(".weight")) containers.add(name);
  }
  const bare = new Set<string>();
  if (containers.size === 0) return bare;
  for (const { name } of tensors) {
    for (const [suffix] of BARE_SUFFIXES) {
      if (!name.endsWith(suffix)) continue;
      const base = name.slice(0, -suffix.length);
      if (containers.has(base)) bare.add(base);
    }
  }
  return bare;
}

/**
 * A name as its module and the part of it: `…q_proj` and `weight_scale`, `…q_proj` and `weight.absmax` (bitsandbytes),
 * `…experts.gate_up_proj` and `_blocks` (gpt-oss).
 */
function splitName(name: string, bare: ReadonlySet<string>): { module: string; part: string } {
  const quantState = name.indexOf(".weight.");
  if (quantState >= 0) return { module: name.slice(0, quantState), part: name.slice(quantState + 1) };
  if (bare.has(name)) return { module: name, part: "weight" };
  if (bare.size > 0) {
    for (const [suffix, part] of BARE_SUFFIXES) {
      if (name.endsWith(suffix) && bare.has(name.slice(0, -suffix.length))) {
        return { module: name.slice(0, -suffix.length), part };
      }
    }
  }
  for (const [suffix, part] of MXFP4_SUFFIXES) {
    if (name.endsWith(suffix) && !name.endsWith(".weight_scales"))
      return { module: name.slice(0, -suffix.length), part };
  }
  const dot = name.lastIndexOf(".");
  return { module: name.slice(0, Math.max(dot, 0)), part: name.slice(dot + 1) };
}

function textOf(config: ConfigObject, key: string): string | undefined {
  const value = config.get(key);
  return typeof value === "string" ? value : undefined;
}
