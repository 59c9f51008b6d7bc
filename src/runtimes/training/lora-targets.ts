import type { Model, ModelTensor } from "../../model/model.ts";
import { PEFT_TARGETS, STACKED_EXPERTS } from "./peft-targets.ts";

/** What `target_modules` may be: ends of names of modules, or every linear module but the output matrix. */
export type Targets = "all-linear" | readonly string[];

/** peft's own choice for the model_type, or every linear module where it has none. */
export function defaultTargets({ architecture }: Model): Targets {
  const targets = PEFT_TARGETS.get(architecture ?? "");
  if (targets === undefined) return "all-linear";
  return typeof targets === "string" ? [targets] : targets;
}

/** Names, before experts were stacked, of the matrices that a model_type's experts have adapters by; empty where none. */
export function stackedNames({ architecture }: Model): ReadonlyMap<string, string> {
  return STACKED_EXPERTS.find(({ modelTypes }) => modelTypes.includes(architecture ?? ""))?.names ?? new Map();
}

/** The matrices of linear modules that an adapter is put beside. Names that stand for stacked experts mean no module. */
export function targetedTensors(
  model: Model,
  tensors: readonly ModelTensor[],
  targets: Targets,
): readonly ModelTensor[] {
  const linear = tensors.filter((tensor) => isLinear(tensor, model));
  const experts = stackedNames(model);
  if (targets !== "all-linear") {
    const modules = targets.filter((target) => !experts.has(lastPart(target)));
    return linear.filter(({ name }) => modules.some((target) => matches(moduleOf(name), target)));
  }
  const inner = linear.filter(({ component }) => component !== "output");
  return experts.size === 0 ? inner : inner.filter(({ name }) => !experts.has(lastPart(moduleOf(name))));
}

/** `peft/tuners/tuners_utils.py`, check_target_module_exists; a pattern of the table is of whole names. */
function matches(module: string, target: string): boolean {
  if (module === target || module.endsWith(`.${target}`)) return true;
  return PATTERNS.has(target) && new RegExp(`^${target}$`).test(module);
}

const PATTERNS: ReadonlySet<unknown> = new Set([...PEFT_TARGETS.values()].filter((value) => typeof value === "string"));

export function moduleOf(name: string): string {
  return name.replace(/\.weight$/, "");
}

function lastPart(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}

/**
 * Two-dimensional weights that are an `nn.Linear` or GPT-2's `Conv1D`: not embeddings, nor routers and experts, which
 * transformers keeps as parameters of modules of their own (`modeling_mixtral.py`, MixtralExperts and MixtralTopKRouter).
 */
export function isLinear({ name, shape, component }: ModelTensor, { architecture }: Model): boolean {
  if (shape.length !== 2 || !name.endsWith(".weight") || component === "embedding" || component === "experts")
    return false;
  return LINEAR_ROUTERS.has(architecture ?? "") || !ROUTER.test(name);
}

/** Routers by their names in files, and the model types that have an `nn.Linear` for one. */
const ROUTER = /(^|\.)(gate|router|router\.classifier|router\.layer)\.weight$/;
const LINEAR_ROUTERS: ReadonlySet<string> = new Set(["dbrx", "llama4_text", "phimoe"]);
