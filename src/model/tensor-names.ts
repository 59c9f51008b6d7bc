import type { TensorEntry } from "../formats/tensor-entry.ts";
import { GGUF_BLOCK_RULES, GGUF_TOP_RULES } from "./gguf-tensor-names.ts";
import { HF_BESIDE_RULES, HF_BLOCK_RULES, HF_TOP_RULES } from "./hf-tensor-names.ts";
import type { Component } from "./model.ts";

/** Names that match are of that component. */
export type NameRule = readonly [pattern: RegExp, component: Component];

/** Where one tensor belongs, by its name alone. */
export type TensorPlace = {
  readonly component: Component;
  /** Index of its block among the main ones, or, with component `mtp`, among those of a separate MTP stack. */
  readonly block?: number;
  /** True for blocks of a separate MTP stack (`mtp.layers.0`). */
  readonly separateMtp?: true;
  /** What follows the block, or the whole name; the number of an expert is `#`. */
  readonly rest: string;
  /** Which expert, where experts are stored one by one. */
  readonly expert?: number;
};

/** Places every tensor, in order. */
export function placeTensors(format: "gguf" | "safetensors", tensors: readonly TensorEntry[]): TensorPlace[] {
  return format === "gguf" ? placeGguf(tensors) : placeHf(tensors);
}

const GGUF_BLOCK = /^blk\.(\d{1,9})\.(.+)$/s;
/** Old Mixtral files hold experts one by one: `ffn_up.3.weight`. */
const EXPERT_NUMBER = /\.(\d{1,9})\./;

function placeGguf(tensors: readonly TensorEntry[]): TensorPlace[] {
  const topComponent = cached(GGUF_TOP_RULES);
  const blockComponent = cached(GGUF_BLOCK_RULES);
  return tensors.map(({ name }) => {
    const match = GGUF_BLOCK.exec(name);
    if (match === null) return { component: topComponent(name), rest: name };
    const { rest, expert } = splitExpert(match[2] ?? "");
    return { component: blockComponent(rest), block: Number(match[1]), rest, ...expert };
  });
}

/** The first list of blocks on a path: `model.layers.3.`, `transformer.h.3.`, `decoder.block.3.`. */
const HF_BLOCK = /(?:^|\.)(?:layers|layer|h|blocks|block|mtp_layers)\.(\d{1,9})\./;

/** No tensor of a model is named longer; the patterns are not run over a hostile header's megabytes. */
const LONGEST_NAME = 1_024;

/** Blocks under one path. `beside` names the part it is of, where that is not the language model. */
type Stack = { readonly prefix: string; readonly beside: Component | undefined; blocks: number };

function placeHf(tensors: readonly TensorEntry[]): TensorPlace[] {
  const topComponent = cached(HF_TOP_RULES);
  const blockComponent = cached(HF_BLOCK_RULES);
  const stacks = new Map<string, Stack>();
  const located = tensors.map(({ name }) => {
    const match = name.length > LONGEST_NAME ? null : HF_BLOCK.exec(name);
    if (match === null) return { name };
    const number = match[1] ?? "";
    const end = match.index + match[0].length;
    const prefix = name.slice(0, end - number.length - 1);
    const block = Number(number);
    const stack = stacks.get(prefix) ?? { prefix, beside: firstMatch(HF_BESIDE_RULES, prefix), blocks: 0 };
    stacks.set(prefix, stack);
    stack.blocks = Math.max(stack.blocks, block + 1);
    return { name, prefix, block, rest: name.slice(end) };
  });
  const main = mainStack([...stacks.values()]);
  return located.map(({ name, prefix, block, rest: path }) => {
    if (prefix === undefined || path === undefined || block === undefined) {
      return { component: topComponent(name), rest: name };
    }
    const { rest, expert } = splitExpert(path);
    const stack = stacks.get(prefix);
    const component = blockComponent(`${prefix}#.${rest}`);
    if (stack === main) return { component, block, rest, ...expert };
    if (stack?.beside === "mtp") return { component: "mtp", block, separateMtp: true, rest, ...expert };
    return { component, rest: name };
  });
}

/** The stack of the language model: of an encoder and a decoder the latter; else the outermost, then the longest. */
function mainStack(stacks: readonly Stack[]): Stack | undefined {
  const language = stacks.filter(({ beside }) => beside === undefined);
  const decoders = language.filter(({ prefix }) => /(?:^|\.)decoder\./.test(prefix));
  const [first] = (decoders.length > 0 ? decoders : language).sort(
    (a, b) => depthOf(a.prefix) - depthOf(b.prefix) || b.blocks - a.blocks,
  );
  return first;
}

function depthOf(prefix: string): number {
  return prefix.split(".").length;
}

function splitExpert(path: string): { rest: string; expert?: { expert: number } } {
  const match = EXPERT_NUMBER.exec(path);
  if (match === null) return { rest: path };
  return { rest: path.replace(EXPERT_NUMBER, ".#."), expert: { expert: Number(match[1]) } };
}

/** A set has few distinct names once numbers are gone: each is matched against the rules once. */
function cached(rules: readonly NameRule[]): (name: string) => Component {
  const known = new Map<string, Component>();
  return (name) => {
    const found = known.get(name);
    if (found !== undefined) return found;
    const component = firstMatch(rules, name) ?? "other";
    known.set(name, component);
    return component;
  };
}

function firstMatch(rules: readonly NameRule[], name: string): Component | undefined {
  if (name.length > LONGEST_NAME) return undefined;
  return rules.find(([pattern]) => pattern.test(name))?.[1];
}
