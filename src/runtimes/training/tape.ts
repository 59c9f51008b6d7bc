/** A tensor of a training step. Two with the same `storage` are views of one memory. */
export type Value = {
  readonly elements: number;
  /** Bytes of one element. */
  readonly width: number;
  /** Takes a gradient. */
  readonly grad: boolean;
  readonly storage: Storage;
};

/** Memory of one or several tensors. Parameters are there before the step and after it. */
export type Storage = { readonly bytes: number; readonly parameter: boolean };

/** An operator, as autograd records it. */
export type Node = {
  /** Of these the gradients are made; shared: they are the output's gradient itself. */
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly sharesGradient: boolean;
  /** Kept from the forward pass until the node has run backward. */
  readonly saved: readonly Storage[];
  /** Bytes taken only while the node runs backward. */
  readonly scratch: number;
  /** Nodes of one layer that is run again for its gradients. */
  readonly segment: number | null;
};

/** The operators of a forward pass, in their order. */
export type Tape = {
  readonly nodes: Node[];
  /** The segment new nodes belong to. */
  segment: number | null;
  /** What each segment is run again from. */
  readonly segmentInputs: Map<number, Storage>;
  /** What Python names until a segment has been run again. */
  readonly segmentLocals: Map<number, readonly Storage[]>;
  /** Weights cast by `torch.autocast`, which it keeps until the forward pass ends. */
  readonly castWeights: Map<Value, Value>;
};

export function newTape(): Tape {
  return { nodes: [], segment: null, segmentInputs: new Map(), segmentLocals: new Map(), castWeights: new Map() };
}

export function newValue(elements: number, width: number, grad: boolean, parameter = false): Value {
  return { elements, width, grad, storage: { bytes: elements * width, parameter } };
}

export function bytesOfValue({ elements, width }: Value): number {
  return elements * width;
}

type NodeFacts = {
  readonly saved?: readonly Value[];
  readonly scratch?: number;
  readonly sharesGradient?: boolean;
};

/** Records an operator with one output. What takes no gradient is not recorded. */
export function record(
  tape: Tape,
  inputs: readonly Value[],
  output: { readonly elements: number; readonly width: number; readonly storage?: Storage },
  facts: NodeFacts = {},
): Value {
  const grad = inputs.some((input) => input.grad);
  const { elements, width } = output;
  const storage = output.storage ?? { bytes: elements * width, parameter: false };
  const value: Value = { elements, width, grad, storage };
  if (grad) addNode(tape, inputs, [value], facts);
  return value;
}

/** Views of parts of a tensor, which keep all of it; going back their gradients are laid side by side. */
export function split(tape: Tape, input: Value, sizes: readonly number[]): readonly Value[] {
  const parts = sizes.map((elements): Value => ({ ...input, elements }));
  if (input.grad) addNode(tape, [input], parts, {});
  return parts;
}

function addNode(tape: Tape, inputs: readonly Value[], outputs: readonly Value[], facts: NodeFacts): void {
  tape.nodes.push({
    inputs: inputs.filter((input) => input.grad),
    outputs,
    sharesGradient: facts.sharesGradient ?? false,
    saved: (facts.saved ?? []).map(({ storage }) => storage).filter(({ parameter }) => !parameter),
    scratch: facts.scratch ?? 0,
    segment: tape.segment,
  });
}
