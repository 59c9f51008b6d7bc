import type { GraphContext } from "../context.ts";
import { add, copyTo, gated, mul, unary } from "../ops/elementwise.ts";
import { mulMat } from "../ops/products.ts";
import { convolution, type ScanSources, selectiveScan } from "../ops/recurrences.ts";
import { concat, cont, permute, reshape, transpose, view } from "../ops/shapes.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";
import { norm } from "./norm.ts";
import { plus, scaled } from "./projection.ts";
import {
  bySequence,
  byToken,
  keepColumns,
  keepLastColumns,
  readStates,
  type StateRows,
  writtenStates,
} from "./recurrent-state.ts";

/** Sizes of a selective state space, by the `ssm.*` keys. */
type ScanSizes = {
  readonly kernel: number;
  /** Channels (`d_inner`). */
  readonly inner: number;
  /** Numbers in the state of each channel (`d_state`). */
  readonly state: number;
  /** Rank of the time steps in Mamba 1, heads in Mamba 2 (`dt_rank`). */
  readonly rank: number;
  readonly groups: number;
  /** Tokens of one sequence. */
  readonly tokens: number;
  readonly sequences: number;
};

/** A scan of a layer: hidden states `[hidden, tokens]` to the same. */
export type Scan = (g: GraphContext, rows: StateRows, block: BlockWeights, input: GraphTensor) => GraphTensor;

/** Mamba 1: `[hidden, tokens]` to the same (`src/models/mamba-base.cpp`, `build_mamba_layer`). */
export function mamba1(g: GraphContext, rows: StateRows, block: BlockWeights, input: GraphTensor): GraphTensor {
  const { kernel, inner, state, rank, tokens, sequences } = sizesOf(g);
  const past = reshape(readStates(g, rows, stateOf(g, block, "convolution")), kernel - 1, inner, sequences);
  const xz = times(block, "ssm_in", bySequence(g, input));
  const half = (): GraphTensor => view(xz, [inner, tokens, sequences], [xz.nb[1], xz.nb[2]]);
  const gate = half();
  const joined = concat(past, transpose(half()), 0);
  keepLastColumns(g, stateOf(g, block, "convolution"), joined, kernel - 1);
  const x = unary(plus(convolution(joined, block.need("ssm_conv1d")), block.bias("ssm_conv1d")));

  const xdb = mulMat(block.need("ssm_x"), x);
  let steps = view(xdb, [rank, tokens, sequences], [xdb.nb[1], xdb.nb[2]]);
  const part = (): GraphTensor => view(xdb, [state, 1, tokens, sequences], [state * xdb.nb[0], xdb.nb[1], xdb.nb[2]]);
  let b = part();
  let c = part();
  const [stepNorm, bNorm, cNorm] = (["ssm_dt_norm", "ssm_b_norm", "ssm_c_norm"] as const).map((name) =>
    block.weight(name),
  );
  if (g.hp.flag("ssm.dt_b_c_rms", false) || (stepNorm && bNorm && cNorm)) {
    steps = norm(g, steps, stepNorm, "rms", block.index);
    b = norm(g, b, bNorm, "rms", block.index);
    c = norm(g, c, cNorm, "rms", block.index);
  } else steps = cont(steps);
  steps = plus(mulMat(block.need("ssm_dt"), steps), block.bias("ssm_dt"));

  const heads = reshape(x, 1, inner, tokens, sequences);
  const decay = block.needPlain("ssm_a");
  const scanned = scan(g, rows, block, [state, 1, inner], { x: heads, steps, decay, b, c });
  keepState(g, block, scanned, state * inner * sequences);
  let y = view(scanned, [inner, tokens, sequences], [heads.nb[2], heads.nb[3]]);
  y = gated(cont(gate), add(y, mul(x, block.needPlain("ssm_d"))));
  return byToken(g, times(block, "ssm_out", y));
}

/** Mamba 2, by heads and groups: `[hidden, tokens]` to the same (`build_mamba2_layer`). */
export function mamba2(g: GraphContext, rows: StateRows, block: BlockWeights, input: GraphTensor): GraphTensor {
  const { kernel, inner, state, rank: heads, groups, tokens, sequences } = sizesOf(g);
  const head = inner / heads;
  const wide = inner + 2 * groups * state;
  const past = reshape(readStates(g, rows, stateOf(g, block, "convolution")), kernel - 1, wide, sequences);
  const all = bySequence(g, times(block, "ssm_in", input));
  const gate = view(all, [head, heads, tokens, sequences], [head * all.nb[0], all.nb[1], all.nb[2]]);
  const channels = view(all, [wide, tokens, sequences], [all.nb[1], all.nb[2]]);
  const rawSteps = view(all, [heads, tokens, sequences], [all.nb[1], all.nb[2]]);
  const joined = concat(past, transpose(channels), 0);
  keepColumns(g, stateOf(g, block, "convolution"), joined, kernel - 1, writtenStates(g));
  const xbc = unary(plus(convolution(joined, block.need("ssm_conv1d")), block.bias("ssm_conv1d")));

  const byHead = (size: number, count: number): GraphTensor =>
    view(xbc, [size, count, tokens, sequences], [size * xbc.nb[0], xbc.nb[1], xbc.nb[2]]);
  const x = byHead(head, heads);
  const b = byHead(state, groups);
  const c = byHead(state, groups);
  const steps = plus(cont(rawSteps), block.bias("ssm_dt"));
  const decay = block.needPlain("ssm_a");
  const scanned = scan(g, rows, block, [state, head, heads], { x, steps, decay, b, c });
  keepStates(g, block, scanned, state * inner, writtenStates(g));
  let y = view(scanned, [head, heads, tokens, sequences]);
  y = gated(cont(gate), add(y, mul(x, block.needPlain("ssm_d"))));
  const weight = block.weight("ssm_norm");
  if (weight !== undefined) {
    y = norm(g, reshape(y, inner / groups, groups, tokens, sequences), weight, "rms", block.index);
  }
  return times(block, "ssm_out", reshape(y, inner, tokens * sequences));
}

/** PLaMo 2's: heads as in Mamba 2, steps, B and C of a projection as in Mamba 1 (`src/models/plamo2.cpp`). */
export function plamoMamba(g: GraphContext, rows: StateRows, block: BlockWeights, input: GraphTensor): GraphTensor {
  const { kernel, inner, state, rank: heads, groups, tokens, sequences } = sizesOf(g);
  const head = inner / heads;
  const wide = inner + 2 * groups * state;
  const past = reshape(readStates(g, rows, stateOf(g, block, "convolution")), kernel - 1, wide, sequences);
  const product = mulMat(block.need("ssm_in"), bySequence(g, input));
  const zx = cont(permute(product, 0, 2, 1, 3), head * 2, heads, tokens, sequences);
  const half = (): GraphTensor => view(zx, [head, heads, tokens, sequences], [zx.nb[1], zx.nb[2], zx.nb[3]]);
  const gate = half();
  const joined = concat(past, transpose(cont(half(), inner, tokens, sequences)), 0);
  keepLastColumns(g, stateOf(g, block, "convolution"), joined, kernel - 1);
  const convolved = unary(convolution(joined, block.need("ssm_conv1d")));

  const bcd = mulMat(block.need("ssm_x"), convolved);
  const normed = (name: string, size: number): GraphTensor =>
    norm(g, view(bcd, [size, tokens, sequences], [bcd.nb[1], bcd.nb[2]]), block.needPlain(name), "rms", block.index);
  const rawB = normed("ssm_b_norm", state);
  const rawC = normed("ssm_c_norm", state);
  const rank = Math.max(64, Math.floor(g.hp.hiddenSize / 16));
  const steps = plus(mulMat(block.need("ssm_dt"), normed("ssm_dt_norm", rank)), block.bias("ssm_dt"));
  const decay = reshape(block.needPlain("ssm_a"), 1, heads);
  const x = view(convolved, [head, heads, tokens, sequences]);
  const ofGroup = (y: GraphTensor): GraphTensor =>
    view(y, [state, 1, tokens, sequences], [state * y.nb[0], y.nb[1], y.nb[2]]);
  const b = ofGroup(rawB);
  const c = ofGroup(rawC);
  const scanned = scan(g, rows, block, [state, head, heads], { x, steps, decay, b, c });
  keepState(g, block, scanned, state * inner * sequences);
  let y = view(scanned, [head, heads, tokens, sequences]);
  y = gated(cont(gate), add(y, mul(x, reshape(block.needPlain("ssm_d"), 1, heads))));
  const output = mulMat(block.need("ssm_out"), view(y, [inner, tokens, sequences], [y.nb[2], y.nb[3]]));
  return byToken(g, output);
}

function sizesOf(g: GraphContext): ScanSizes {
  const key = (name: string): number => g.hp.number(`ssm.${name}`, 0);
  return {
    kernel: key("conv_kernel"),
    inner: key("inner_size"),
    state: key("state_size"),
    rank: key("time_step_rank"),
    groups: key("group_count"),
    tokens: g.tokens / g.sequences,
    sequences: g.sequences,
  };
}

/** A product with a matrix and its scale. */
function times(block: BlockWeights, name: string, x: GraphTensor): GraphTensor {
  return scaled(mulMat(block.need(name), x), block.scale(name));
}

function stateOf(g: GraphContext, { index }: BlockWeights, name: "convolution" | "ssm"): GraphTensor {
  return g.caches.state(index, name);
}

/** The scan from the states of the sequences, read where they lie. */
function scan(
  g: GraphContext,
  rows: StateRows,
  block: BlockWeights,
  [state, head, heads]: readonly [number, number, number],
  sources: Omit<ScanSources, "states" | "rows">,
): GraphTensor {
  return readStates(g, rows, stateOf(g, block, "ssm"), (all, rows) => {
    const states = reshape(all, state, head, heads, all.ne[1]);
    return selectiveScan({ ...sources, states, rows }, g.caches.statesKept);
  });
}

function keepState(g: GraphContext, block: BlockWeights, scanned: GraphTensor, elements: number): void {
  g.expand(copyTo(view(scanned, [elements]), view(stateOf(g, block, "ssm"), [elements])));
}

/** The states of each sequence, where several can be gone back to. */
function keepStates(
  g: GraphContext,
  block: BlockWeights,
  scanned: GraphTensor,
  elements: number,
  written: number,
): void {
  const state = stateOf(g, block, "ssm");
  const ne = [elements, g.sequences, written];
  const row = elements * scanned.nb[0];
  const target = view(state, ne, [state.nb[1], g.subject.settings.sequences * row]);
  g.expand(copyTo(view(scanned, ne, [row, row * g.sequences]), target));
}
