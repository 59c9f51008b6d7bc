import type { GgmlType, GgufTensor } from "../../../../fixtures/write-gguf.ts";
import type { ArchitectureKeys } from "../../architectures/keys.ts";

/** A golden row with other keys and tensors, for ways of a graph that no row takes. */
export type Variant = {
  readonly architecture: string;
  /** Title of the row. Default: the one without, or else the first of the architecture. */
  readonly row?: string;
  readonly title: string;
  readonly keys?: ArchitectureKeys;
  /** Keys that are left out. */
  readonly withoutKeys?: readonly string[];
  /** Tensors that are left out. */
  readonly without?: RegExp;
  /** Matrices of a block that become one, where the block has all of them. */
  readonly joined?: { readonly into: string; readonly parts: readonly string[] };
  /** Layers, of which those beyond the row's are like its last. */
  readonly layers?: number;
  /** Blocks with a dense feed-forward in the place of experts. */
  readonly dense?: readonly number[];
  /** Tensors beside the row's, or in place of those of the same name. */
  readonly tensors?: readonly GgufTensor[];
  /** Matrices that get a scale beside them. */
  readonly scales?: readonly string[];
  /** Matrices that get a bias beside them, where they have none. */
  readonly biases?: readonly string[];
  /** The model that a draft without matrices of its own is for. */
  readonly draftsFor?: string;
};

/** Sizes of the rows' keys. */
export const HIDDEN = 256;
export const WIDE = 384;
export const TOKENS = 1024;
const LAYERS = 6;

export const tensor = (name: string, shape: readonly number[], type: GgmlType = "F32"): GgufTensor => ({
  name,
  type,
  shape,
});

/** The same tensors in every layer. */
export const ofLayers = (tensors: (prefix: string) => readonly GgufTensor[]): readonly GgufTensor[] =>
  Array.from({ length: LAYERS }, (_, layer) => tensors(`blk.${layer}.`)).flat();

/** One change of several architectures. */
export const ofEach = (
  architectures: readonly string[],
  title: string,
  change: Omit<Variant, "architecture" | "title">,
): readonly Variant[] => architectures.map((architecture) => ({ architecture, title, ...change }));

/** Experts of one block, with a router. */
export const mixtureOf = (prefix: string, wide = 96, count = 4): readonly GgufTensor[] => [
  tensor(`${prefix}ffn_gate_inp.weight`, [HIDDEN, count]),
  tensor(`${prefix}ffn_gate_exps.weight`, [HIDDEN, wide, count], "F16"),
  tensor(`${prefix}ffn_up_exps.weight`, [HIDDEN, wide, count], "F16"),
  tensor(`${prefix}ffn_down_exps.weight`, [wide, HIDDEN, count], "F16"),
];
