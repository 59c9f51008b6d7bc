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
  /** The tensor is of the encoder beside a decoder, and of which block there. */
  readonly encoder?: { readonly block?: number };
  /** Which expert, where experts are stored one by one. */
  readonly expert?: number;
};

/** Places every tensor, in order. */
export function placeTensors(format: "gguf" | "safetensors", tensors: readonly TensorEntry[]): TensorPlace[] {
  return format === "gguf" ? placeGguf(tensors) : placeHf(tensors);
}

/** Encoder-decoders name theirs `enc.blk.0.` and `dec.blk.0.`, an encoder alone keeps that name. */
const GGUF_BLOCK = /^(?:enc\.|dec\.)?blk\.(\d{1,9})\.(.+)$/s;
const GGUF_SIDE = /^(?:enc|dec)\./;
/** Experts are held one by one in `experts.3.`, `experts.expert_3.` or, in old Mixtral files, `ffn_up.3.weight`. */
const EXPERT_NUMBERS = [/(?<=\bexperts)\.(?:expert_)?(\d{1,9})\./, /\.(\d{1,9})\./];

function placeGguf(tensors: readonly TensorEntry[]): TensorPlace[] {
  const topComponent = cached(GGUF_TOP_RULES);
  const blockComponent = cached(GGUF_BLOCK_RULES);
  const hasDecoder = tensors.some(({ name }) => name.startsWith("dec."));
  return tensors.map(({ name }) => {
    const match = GGUF_BLOCK.exec(name);
    const inEncoder = hasDecoder && name.startsWith("enc.");
    if (match === null) {
      const rest = name.replace(GGUF_SIDE, "");
      return { component: topComponent(rest), rest, ...(inEncoder && { encoder: {} }) };
    }
    const { rest, expert } = splitExpert(match[2] ?? "");
    const block = Number(match[1]);
    const component = blockComponent(rest);
    return inEncoder ? { component, rest, encoder: { block } } : inBlock(component, block, rest, expert);
  });
}

/** The first list of blocks on a path: `model.layers.3.`, `transformer.h.3.`, `decoder.block.3.`. */
const HF_BLOCK = /(?:^|\.)(?:layers|layer|h|blocks|block|mtp|mtp_layers|mtp_block)\.(\d{1,9})\./;

/** No tensor of a model is named longer; the patterns are not run over a hostile header's megabytes. */
const LONGEST_NAME = 1_024;

/** Blocks under one path. `beside` names the part it is of, where that is not the language model. */
type Stack = {
  readonly prefix: string;
  readonly beside: Component | undefined;
  blocks: number;
  /** What has been found of the paths below its blocks, which are the same in each. */
  readonly paths: Map<string, SplitPath & { readonly component: Component }>;
};

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
    let stack = stacks.get(prefix);
    if (stack === undefined) {
      stack = { prefix, beside: firstMatch(HF_BESIDE_RULES, prefix), blocks: 0, paths: new Map() };
      stacks.set(prefix, stack);
    }
    stack.blocks = Math.max(stack.blocks, block + 1);
    return { name, stack, block, path: name.slice(end) };
  });
  const all = [...stacks.values()];
  const longest = mainStack(all);
  const main = longest && (stacks.get(longest.prefix.replace(HIGH, "L_module")) ?? longest);
  const second = main && stacks.get(main.prefix.replace(LOW, "H_module"));
  const encoder = encoderStack(all, main);
  const hearsOnly = onlyHears(all, main);
  const heard = (component: Component): Component => (hearsOnly && component === "vision" ? "other" : component);
  return located.map(({ name, stack, block, path }): TensorPlace => {
    const inEncoder = encoder !== undefined && name.startsWith(encoder.root);
    if (stack === undefined || path === undefined || block === undefined) {
      return { component: heard(topComponent(name)), rest: name, ...(inEncoder && { encoder: {} }) };
    }
    let found = stack.paths.get(path);
    if (found === undefined) {
      const split = splitExpert(path);
      found = { ...split, component: blockComponent(`${stack.prefix}#.${split.rest}`) };
      stack.paths.set(path, found);
    }
    const { rest, expert, component } = found;
    if (stack === main) return inBlock(component, block, rest, expert);
    if (main !== undefined && stack === second) return inBlock(component, main.blocks + block, rest, expert);
    if (stack.beside === "mtp") return { ...inBlock("mtp", block, rest, expert), separateMtp: true };
    if (!inEncoder) return { component: isOutside(stack, main) ? "other" : heard(component), rest: name };
    // Convolutions of an encoder look both ways: they are no recurrence.
    const part = component === "recurrent" ? "other" : component;
    return { component: part, rest: name, encoder: stack === encoder.stack ? { block } : {} };
  });
}

/** Two stacks whose layers take turns (HRM): the low one, then the high one. */
const LOW = /\bL_module\b/;
const HIGH = /\bH_module\b/;

const DECODER_PATH = /(?:^|[._])decoder\./;
export const ENCODER_PATH: RegExp = /^(?:.*?[._])?encoder\./s;

/** Paths that say that the language model is what they lead to. */
const LANGUAGE_PATH = /(?:^|\.)(?:language_model|text_model|language|llm|lm)\./;

/**
 * The stack of the language model: on a path that says so where there is one; of an encoder and a decoder the latter;
 * else the outermost, then the longest.
 */
function mainStack(stacks: readonly Stack[]): Stack | undefined {
  const unnamed = stacks.filter(({ beside }) => beside === undefined);
  const named = unnamed.filter(({ prefix }) => LANGUAGE_PATH.test(prefix));
  const language = named.length > 0 ? named : unnamed;
  const decoders = language.filter(({ prefix }) => DECODER_PATH.test(prefix));
  return outermost(decoders.length > 0 ? decoders : language);
}

/** Blocks beside a language model whose path says that it is one. */
function isOutside(stack: Stack | undefined, main: Stack | undefined): boolean {
  if (stack === undefined || main === undefined || stack.beside !== undefined) return false;
  return LANGUAGE_PATH.test(main.prefix) && !LANGUAGE_PATH.test(stack.prefix);
}

/** What leads from a tower to the language model, whatever the tower is for. */
const PROJECTOR_PATH = /(?:^|\.)(?:multi_modal_projector|projector|qformer)(?:\.|$)/;

/** There are towers, but none that sees: then a projector is for what is heard. */
function onlyHears(stacks: readonly Stack[], main: Stack | undefined): boolean {
  const sees = ({ prefix, beside }: Stack): boolean => beside === "vision" && !PROJECTOR_PATH.test(prefix);
  return stacks.some((stack) => stack.beside === "other" || isOutside(stack, main)) && !stacks.some(sees);
}

/** The encoder beside a decoder, and the path that all its tensors begin with. */
function encoderStack(
  stacks: readonly Stack[],
  main: Stack | undefined,
): { readonly stack: Stack; readonly root: string } | undefined {
  if (main === undefined || !DECODER_PATH.test(main.prefix)) return undefined;
  const isEncoder = ({ prefix, beside }: Stack): boolean =>
    beside === undefined && !DECODER_PATH.test(prefix) && ENCODER_PATH.test(prefix);
  const stack = outermost(stacks.filter(isEncoder));
  const root = stack && ENCODER_PATH.exec(stack.prefix)?.[0];
  return stack && root !== undefined ? { stack, root } : undefined;
}

/** The outermost of some stacks, of several the longest. */
function outermost(stacks: readonly Stack[]): Stack | undefined {
  const [first] = stacks.toSorted((a, b) => depthOf(a.prefix) - depthOf(b.prefix) || b.blocks - a.blocks);
  return first;
}

function depthOf(prefix: string): number {
  return prefix.split(".").length;
}

function inBlock(component: Component, block: number, rest: string, expert: number | undefined): TensorPlace {
  return expert === undefined ? { component, block, rest } : { component, block, rest, expert };
}

type SplitPath = { readonly rest: string; readonly expert: number | undefined };

function splitExpert(path: string): SplitPath {
  for (const pattern of EXPERT_NUMBERS) {
    const match = pattern.exec(path);
    if (match !== null) return { rest: path.replace(pattern, ".#."), expert: Number(match[1]) };
  }
  return { rest: path, expert: undefined };
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
