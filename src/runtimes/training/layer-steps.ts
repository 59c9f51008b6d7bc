import type { FeedForward } from "../../model/feed-forward.ts";
import type { AttentionMixer } from "../../model/mixer.ts";
import type { ModelTensor } from "../../model/model.ts";
import type { Family } from "./families.ts";
import { linearModule, type Step, weight } from "./modules.ts";
import { add, cast, dropout, fromInput, fromOutput, layerNorm, linear, multiply, rmsNorm, scale } from "./operators.ts";
import { newValue, record, split, type Value } from "./tape.ts";

/** One layer as a family runs it. */
export type LayerFacts = {
  readonly family: Family;
  readonly tensors: readonly ModelTensor[];
  readonly mixer: AttentionMixer;
  readonly feedForward: FeedForward;
  readonly activation: string;
  /** Share of elements zeroed. */
  readonly dropout: number;
};

const F32_BYTES = 4;

/** Names of modules in files, whose tensors say how a layer is built: several are one in memory, or one is several. */
const MODULES = {
  fusedAttention: ["self_attn.qkv_proj", "attn.c_attn", "attention.query_key_value"],
  query: ["self_attn.q_proj"],
  key: ["self_attn.k_proj"],
  value: ["self_attn.v_proj"],
  output: ["self_attn.o_proj", "self_attn.out_proj", "attn.c_proj", "attention.dense"],
  queryNorm: ["self_attn.q_norm"],
  keyNorm: ["self_attn.k_norm"],
  fusedGate: ["mlp.gate_up_proj"],
  gate: ["mlp.gate_proj"],
  up: ["mlp.up_proj", "mlp.c_fc", "fc1", "mlp.dense_h_to_4h"],
  down: ["mlp.down_proj", "mlp.c_proj", "fc2", "mlp.dense_4h_to_h"],
} as const;

function find({ tensors }: LayerFacts, module: keyof typeof MODULES): ModelTensor | undefined {
  return tensors.find(({ name }) => MODULES[module].some((end) => name.endsWith(`.${end}.weight`)));
}

/** Whether the layer's modules are known by their names. */
export function canFollow(layer: LayerFacts): boolean {
  const has = (module: keyof typeof MODULES): boolean => find(layer, module) !== undefined;
  const attends = has("fusedAttention") || (has("query") && has("key") && has("value"));
  const feeds = layer.feedForward.kind === "experts" || ((has("fusedGate") || has("up")) && has("down"));
  return attends && has("output") && feeds;
}

/** Records one layer. */
export function layerStep(step: Step, x: Value, layer: LayerFacts): Value {
  const { norms, scaled } = layer.family;
  const after = norms === "after";
  const residual = (base: Value, part: Value): Value => {
    const dropped = layer.dropout > 0 ? dropout(step.tape, part, step.onCpu) : part;
    const normed = after ? normStep(step, dropped, layer) : dropped;
    return add(step.tape, base, scaled?.includes("residual") ? scale(step.tape, normed) : normed);
  };
  const attention = attentionStep(step, after ? x : normStep(step, x, layer), layer);
  if (norms === "parallel") {
    const forward = forwardStep(step, normStep(step, x, layer), layer);
    return add(step.tape, add(step.tape, forward, attention), x);
  }
  const middle = residual(x, attention);
  const forward = forwardStep(step, after ? middle : normStep(step, middle, layer), layer);
  if (after) hold(step, forward);
  return residual(middle, forward);
}

/** Notes what Python names until the last module of a layer has run. */
function hold({ tape }: Step, ...values: readonly Value[]): void {
  if (tape.segment === null) return;
  const earlier = tape.segmentLocals.get(tape.segment) ?? [];
  tape.segmentLocals.set(tape.segment, [...earlier, ...values.map(({ storage }) => storage)]);
}

/** The last module of a layer, which has an input and, beside an adapter, a result when its last tensor is kept. */
function lastModule(step: Step, x: Value, tensor: ModelTensor): Value {
  hold(step, x);
  return linearModule(step, x, tensor, (result) => hold(step, result));
}

export function normStep(
  step: Step,
  x: Value,
  { family }: Pick<LayerFacts, "family">,
  size: number = x.elements / step.rows,
): Value {
  const parameters = weight(step, `norm ${step.tape.nodes.length}`, size);
  return family.norm === "layer"
    ? layerNorm(step.tape, x, parameters, step.mixed)
    : rmsNorm(step.tape, x, parameters, family.norm);
}

function attentionStep(step: Step, x: Value, layer: LayerFacts): Value {
  const { heads, kvHeads, keyDim, valueDim } = layer.mixer;
  const { tape, rows } = step;
  const sizes = [heads * keyDim, kvHeads * keyDim, kvHeads * valueDim].map((size) => size * rows);
  const fused = find(layer, "fusedAttention");
  const modules = [find(layer, "query"), find(layer, "key"), find(layer, "value")];
  const [query, key, value] = fused
    ? split(tape, linearModule(step, x, fused), sizes)
    : modules.map((module) => module && linearModule(step, x, module));
  const output = find(layer, "output");
  if (query === undefined || key === undefined || value === undefined || output === undefined) return x;
  const normed = (part: Value, module: "queryNorm" | "keyNorm"): Value => {
    const tensor = find(layer, module);
    return tensor ? normStep(step, part, layer, tensor.elements) : part;
  };
  const turned = (part: Value): Value =>
    layer.family.rotary === "none" ? part : rotate(step, part, x.width, layer.family.rotary);
  const q = turned(normed(query, "queryNorm"));
  const k = turned(normed(key, "keyNorm"));
  const attended =
    step.settings.attention === "eager" ? eager(step, q, k, value, layer) : fusedKernel(step, q, k, value, layer.mixer);
  // Queries put together lie head by head, and so does what is attended, until it is copied row by row.
  const byRow =
    layer.family.rotary === "part"
      ? record(tape, [attended], { elements: attended.elements, width: attended.width })
      : attended;
  return linearModule(step, byRow, output);
}

/** Rotates pairs by angles, of the hidden state's type: q cos + rotate_half(q) sin. */
function rotate(step: Step, x: Value, angleWidth: number, how: "whole" | "part"): Value {
  const { tape } = step;
  const angles = newValue(1, angleWidth, false, true);
  const half = record(tape, [x], { elements: x.elements, width: x.width }, { scratch: x.elements * x.width });
  const turned = add(tape, multiply(tape, x, angles), multiply(tape, half, angles));
  return how === "whole" ? turned : record(tape, [turned], { elements: x.elements, width: turned.width });
}

/** Keeps queries, keys, values, the output and a logarithm for each row of scores (`scaled_dot_product_attention`). */
function fusedKernel(step: Step, ...[q, k, v, mixer]: [Value, Value, Value, AttentionMixer]): Value {
  const { tape, rows, mixed } = step;
  const inputs = [q, k, v].map((part) => (mixed ? cast(tape, part, 2) : part));
  const [query = q] = inputs;
  const output = newValue(
    rows * mixer.heads * mixer.valueDim,
    query.width,
    inputs.some(({ grad }) => grad),
  );
  const sums = newValue(rows * mixer.heads, F32_BYTES, false);
  return record(tape, inputs, output, { saved: [...inputs, output, sums] });
}

/** Keeps scores and probabilities of all pairs of tokens (`modeling_llama.py`, eager_attention_forward). */
function eager(step: Step, ...[q, k, v, { mixer, family }]: [Value, Value, Value, LayerFacts]): Value {
  const { tape, rows, settings } = step;
  const copy = (part: Value, elements: number): Value => record(tape, [part], { elements, width: part.width });
  const [query, key, value] = [
    copy(q, q.elements),
    copy(k, rows * mixer.heads * mixer.keyDim),
    copy(v, rows * mixer.heads * mixer.valueDim),
  ] as const;
  const pairs = rows * mixer.heads * settings.sequenceTokens;
  const scores = scale(
    tape,
    record(tape, [query, key], { elements: pairs, width: query.width }, { saved: [query, key] }),
  );
  const softmaxWidth = family.ownSoftmax ? query.width : F32_BYTES;
  const probabilities = cast(tape, fromOutput(tape, cast(tape, scores, softmaxWidth)), query.width);
  const output = { elements: rows * mixer.heads * mixer.valueDim, width: query.width };
  const attended = record(tape, [probabilities, value], output, { saved: [probabilities, value] });
  return copy(attended, attended.elements);
}

/**
 * Experts in one grouped product: each row goes to some of them, and comes back weighted (`integrations/moe.py`,
 * grouped_mm_experts_forward), which `torch.autocast` leaves in the type of the weights.
 */
function expertsStep(step: Step, x: Value, layer: LayerFacts, part: FeedForward & { readonly kind: "experts" }): Value {
  const { tape, rows } = step;
  const hidden = x.elements / rows;
  const [routed, width] = [rows * part.expertsPerToken, part.expertIntermediateSize];
  const name = `experts ${tape.nodes.length}`;
  const matrix = (end: string, columns: number): Value =>
    adaptedExperts(step, weight(step, `${name} ${end}`, part.experts * hidden * columns), `${name} ${end}`);
  const gathered = record(tape, [x], { elements: routed * hidden, width: x.width });
  const both = linear(tape, gathered, matrix("up", 2 * width), routed * 2 * width, false);
  const [left = both, right = both] = split(tape, both, [both.elements / 2, both.elements / 2]);
  const product = multiply(tape, activate(step, left, layer), right);
  const down = linear(tape, product, matrix("down", width), routed * hidden, false);
  const shares = newValue(routed, x.width, down.grad);
  return record(tape, [multiply(tape, down, shares)], { elements: x.elements, width: x.width });
}

/** Experts with adapters are run with weights that both are added to (`peft/tuners/lora/layer.py`, ParamWrapper). */
function adaptedExperts({ tape, adaptsExperts, trained }: Step, experts: Value, name: string): Value {
  if (!adaptsExperts) return experts;
  const adapter = newValue(0, F32_BYTES, true, true);
  trained.set(`${name} adapter`, adapter);
  const change = record(tape, [adapter], { elements: experts.elements, width: F32_BYTES });
  return add(tape, experts, cast(tape, change, experts.width));
}

function forwardStep(step: Step, x: Value, layer: LayerFacts): Value {
  if (layer.feedForward.kind === "experts") return expertsStep(step, x, layer, layer.feedForward);
  const { tape } = step;
  const [fused, gate, up, down] = [
    find(layer, "fusedGate"),
    find(layer, "gate"),
    find(layer, "up"),
    find(layer, "down"),
  ];
  if (down === undefined) return x;
  hold(step, x);
  if (fused !== undefined) {
    const both = linearModule(step, x, fused);
    const [left, right] = split(tape, both, [both.elements / 2, both.elements / 2]);
    if (left === undefined || right === undefined) return x;
    return lastModule(step, multiply(tape, right, activate(step, left, layer)), down);
  }
  if (up === undefined) return x;
  if (gate === undefined) return lastModule(step, activate(step, linearModule(step, x, up), layer), down);
  const gated = activate(step, linearModule(step, x, gate), layer);
  return lastModule(step, multiply(tape, gated, linearModule(step, x, up)), down);
}

function activate({ tape }: Step, x: Value, { activation }: LayerFacts): Value {
  if (activation === "relu") return fromOutput(tape, x);
  if (activation !== "gelu_new") return fromInput(tape, x);
  // `activations.py`, NewGELUActivation: 0.5 x (1 + tanh(c (x + 0.044715 x^3)))
  const half = scale(tape, x);
  const inner = scale(tape, add(tape, x, scale(tape, fromInput(tape, x, 2 * x.elements * x.width))));
  const raised = record(
    tape,
    [fromOutput(tape, inner)],
    { elements: x.elements, width: x.width },
    { sharesGradient: true },
  );
  return multiply(tape, half, raised);
}
