import { bytesOfValue, type Node, type Storage, type Tape, type Value } from "./tape.ts";

/** A gradient on its way: several values may have the same one. */
type Gradient = { readonly bytes: number; holders: number };

/** Memory during the backward pass, in bytes, without parameters. */
type State = {
  live: number;
  peak: number;
  /** How many nodes that have not run keep a storage. */
  readonly kept: Map<Storage, number>;
  readonly gradients: Map<Value, Gradient>;
  /** Gradients of parameters are held before the step: new ones are added to them. */
  readonly accumulates: boolean;
};

/** Bytes kept from a forward pass, without layers that are run again, of which only the input is. */
export function keptBytes(tape: Tape): number {
  return [...keptStorages(tape).keys()].reduce((sum, { bytes }) => sum + bytes, 0);
}

function keptStorages(tape: Tape): Map<Storage, number> {
  const kept = new Map<Storage, number>();
  for (const node of tape.nodes) if (node.segment === null) for (const storage of node.saved) keep(kept, storage);
  for (const input of tape.segmentInputs.values()) keep(kept, input);
  return kept;
}

function keep(kept: Map<Storage, number>, storage: Storage): boolean {
  const count = kept.get(storage) ?? 0;
  kept.set(storage, count + 1);
  return count === 0;
}

/**
 * The most bytes alive while gradients are made, gradients of parameters included where they are new. Nodes run in the reverse
 * of their order, and let go of what they kept once they have run (`torch/csrc/autograd/engine.cpp`, evaluate_function).
 */
export function backwardPeak(tape: Tape, accumulates: boolean): number {
  const state: State = { live: 0, peak: 0, kept: keptStorages(tape), gradients: new Map(), accumulates };
  state.live = [...state.kept.keys()].reduce((sum, { bytes }) => sum + bytes, 0);
  state.peak = state.live;
  const [last] = tape.nodes.at(-1)?.outputs ?? [];
  if (last !== undefined) state.gradients.set(last, { bytes: 0, holders: 1 });
  let entered: number | null = null;
  for (const node of [...tape.nodes].reverse()) {
    if (entered !== null && node.segment !== entered) {
      releaseInput(tape, entered, state);
      entered = null;
    }
    // A layer is run again for the first tensor that is asked for.
    if (node.segment !== null && entered === null && node.saved.length > 0) {
      entered = node.segment;
      runAgain(tape, entered, state);
    }
    runBackward(node, state);
    for (const storage of node.saved) release(state, storage);
  }
  return state.peak;
}

function releaseInput(tape: Tape, segment: number, state: State): void {
  const input = tape.segmentInputs.get(segment);
  if (input !== undefined) release(state, input);
}

/**
 * Runs a layer again up to the last tensor that a node keeps (`torch/utils/checkpoint.py`, _checkpoint_without_reentrant_generator).
 * An output lives until its last use, or as long as Python names it.
 */
function runAgain(tape: Tape, segment: number, state: State): void {
  const nodes = tape.nodes.filter((node) => node.segment === segment);
  const named = new Set(tape.segmentLocals.get(segment));
  const lastUse = new Map<Storage, number>();
  for (const [index, node] of nodes.entries()) for (const { storage } of node.inputs) lastUse.set(storage, index);
  const end = nodes.findLastIndex(({ saved }) => saved.length > 0);
  const held: Storage[] = [];
  for (const [index, node] of nodes.slice(0, end + 1).entries()) {
    for (const storage of index === end ? node.saved : [...node.saved, ...outputsOf(node)]) {
      if (keep(state.kept, storage)) grow(state, storage.bytes);
    }
    if (index < end) held.push(...outputsOf(node));
    const ended = held.filter((storage) => !named.has(storage) && (lastUse.get(storage) ?? index) <= index);
    for (const storage of ended) {
      release(state, storage);
      held.splice(held.indexOf(storage), 1);
    }
  }
  for (const storage of held) release(state, storage);
}

/** What a node makes: views are of what it was given. */
function outputsOf({ inputs, outputs }: Node): readonly Storage[] {
  const given = new Set(inputs.map(({ storage }) => storage));
  return [...new Set(outputs.map(({ storage }) => storage))].filter((storage) => !given.has(storage));
}

function runBackward(node: Node, state: State): void {
  const arrived = node.outputs.flatMap((output) => state.gradients.get(output) ?? []);
  for (const output of node.outputs) state.gradients.delete(output);
  const [shared] = arrived;
  if (shared === undefined) return;
  const made = node.inputs.map((input): Gradient => {
    if (node.sharesGradient && shared.bytes === bytesOfValue(input)) {
      shared.holders += 1;
      return shared;
    }
    grow(state, bytesOfValue(input));
    return { bytes: bytesOfValue(input), holders: 1 };
  });
  grow(state, node.scratch);
  state.live -= node.scratch;
  for (const [index, input] of node.inputs.entries()) {
    const gradient = made[index];
    if (gradient !== undefined) accumulate(state, input, gradient);
  }
  for (const gradient of arrived) letGo(state, gradient);
}

/** The second gradient of a value and the first are added to a third (`aten::add` in every profile of a run). */
function accumulate(state: State, value: Value, gradient: Gradient): void {
  if (value.storage.parameter && state.accumulates) {
    letGo(state, gradient);
    return;
  }
  const earlier = state.gradients.get(value);
  if (earlier === undefined) {
    state.gradients.set(value, gradient);
    return;
  }
  grow(state, gradient.bytes);
  letGo(state, earlier);
  letGo(state, gradient);
  state.gradients.set(value, { bytes: gradient.bytes, holders: 1 });
}

function grow(state: State, bytes: number): void {
  state.live += bytes;
  state.peak = Math.max(state.peak, state.live);
}

function letGo(state: State, gradient: Gradient): void {
  gradient.holders -= 1;
  if (gradient.holders === 0) state.live -= gradient.bytes;
}

function release(state: State, storage: Storage): void {
  const count = (state.kept.get(storage) ?? 0) - 1;
  state.kept.set(storage, count);
  if (count === 0) state.live -= storage.bytes;
}
