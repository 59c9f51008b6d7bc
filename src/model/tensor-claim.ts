import type { TensorEntry } from "../formats/tensor-entry.ts";
import type { Component } from "./model.ts";
import { ENCODER_PATH, type TensorPlace } from "./tensor-names.ts";
import { GGUF_ROLES, HF_ROLES, type TensorRole } from "./tensor-roles.ts";

/** What the tensors of one block prove, in elements. A field is absent where they prove nothing. */
export type BlockEvidence = {
  /** Rows of the key and value projections. */
  keyWidth?: number;
  valueWidth?: number;
  /** Rows of one matrix for queries, keys and values. */
  qkvWidth?: number;
  /** Latent rank and rotary dimensions together. */
  latentWidth?: number;
  denseWidth?: number;
  experts?: number;
  expertWidth?: number;
  sharedWidth?: number;
  /** Channels of a convolution over tokens. */
  channels?: number;
  /** The block has matrices of an attention, or of a recurrence. */
  attention?: number;
  recurrent?: number;
  /** The block predicts a further token. */
  mtp?: number;
};

/** What tensor names and shapes prove by themselves. */
export type TensorClaim = {
  /** Highest block index + 1, MTP blocks of the same list included; undefined when there are no blocks. */
  readonly blockCount: number | undefined;
  /** A block index beyond the largest believed, when there is one. */
  readonly unbelievedBlock: number | undefined;
  /** Indices below `blockCount` without a tensor, at most a few. */
  readonly missingBlocks: readonly number[];
  /** Blocks of `blockCount` that predict further tokens, by their tensors. */
  readonly mtpBlocks: number;
  /** Blocks of a separate list of MTP layers. */
  readonly separateMtpBlocks: number;
  /** The blocks are an encoder's, and there is no decoder. */
  readonly encoderAlone: boolean;
  /** Highest block index + 1 of the encoder beside a decoder; undefined where there is none. */
  readonly encoderBlocks: number | undefined;
  readonly hiddenSize: number | undefined;
  readonly vocabularySize: number | undefined;
  /** Rows of the output matrix. */
  readonly logits: number | undefined;
  readonly hasEmbedding: boolean;
  readonly hasOutput: boolean;
  readonly blocks: ReadonlyMap<number, BlockEvidence>;
};

/** Stored one element per weight, so that every dimension of the shape is that of the matrix. */
const PLAIN_DTYPES: ReadonlySet<string> = new Set([
  "F64",
  "F32",
  "F16",
  "BF16",
  "F8_E4M3",
  "F8_E5M2",
  "F8_E4M3FNUZ",
  "F8_E5M2FNUZ",
]);

/** Outside the blocks, what is of another part has sizes of its own. */
const NOT_THE_MODEL: ReadonlySet<Component> = new Set<Component>(["vision", "mtp", "other"]);

const FEW = 8;

/** Derives what names and shapes prove, without any key. `largestBlock` bounds the block indices believed. */
export function claimFromTensors(
  format: "gguf" | "safetensors",
  tensors: readonly TensorEntry[],
  places: readonly TensorPlace[],
  largestBlock: number,
): TensorClaim {
  const roles = format === "gguf" ? GGUF_ROLES : HF_ROLES;
  const blocks = new Map<number, BlockEvidence>();
  const expertsOf = new Map<number, Set<number>>();
  const separateMtp = new Set<number>();
  let unbelievedBlock: number | undefined;
  let encoderBlocks: number | undefined;
  let encoderAlone = false;
  const global: { hidden?: number; vocabulary?: number; finalNorm?: number; output?: number; logits?: number } = {};
  tensors.forEach((tensor, index) => {
    const place = places[index];
    if (place === undefined) return;
    if (place.encoder !== undefined) {
      const { block } = place.encoder;
      if (block !== undefined && block <= largestBlock) encoderBlocks = Math.max(encoderBlocks ?? 0, block + 1);
      return;
    }
    if (place.separateMtp) {
      separateMtp.add(place.block ?? 0);
      return;
    }
    if (place.block === undefined) {
      if (NOT_THE_MODEL.has(place.component)) return;
      for (const role of roles.top(place.rest)) note(global, role, dimension(role, tensor, format));
      return;
    }
    if (place.block > largestBlock) {
      unbelievedBlock = place.block;
      return;
    }
    encoderAlone ||= ENCODER_PATH.test(tensor.name.slice(0, -place.rest.length));
    const evidence = blocks.get(place.block) ?? {};
    blocks.set(place.block, evidence);
    for (const role of roles.block(place.rest)) note(evidence, role, dimension(role, tensor, format));
    if (place.expert !== undefined && place.component === "experts") {
      const seen = expertsOf.get(place.block) ?? new Set<number>();
      expertsOf.set(place.block, seen.add(place.expert));
    }
  });
  for (const [block, seen] of expertsOf) {
    const evidence = blocks.get(block);
    if (evidence !== undefined) evidence.experts ??= seen.size;
  }
  const blockCount = blocks.size === 0 ? undefined : largestKey(blocks) + 1;
  return {
    blockCount,
    unbelievedBlock,
    missingBlocks: missingFrom(blocks, blockCount ?? 0),
    mtpBlocks: [...blocks.values()].filter((evidence) => evidence.mtp !== undefined).length,
    separateMtpBlocks: separateMtp.size,
    encoderAlone: encoderAlone && encoderBlocks === undefined,
    encoderBlocks,
    hiddenSize: global.hidden ?? global.finalNorm,
    vocabularySize: global.vocabulary,
    logits: global.logits,
    hasEmbedding: global.vocabulary !== undefined,
    hasOutput: global.output !== undefined,
    blocks,
  };
}

/** The first tensor of a role speaks for it. */
function note<Facts extends object>(facts: Facts, role: TensorRole, value: number | undefined): void {
  if (value === undefined || role.fact in facts) return;
  Object.defineProperty(facts, role.fact, { value, enumerable: true, writable: true, configurable: true });
}

/** The dimension a role reads; undefined where the packing hides it. Markers read 1. */
function dimension(role: TensorRole, tensor: TensorEntry, format: "gguf" | "safetensors"): number | undefined {
  if (role.axis === undefined) return 1;
  const size = tensor.shape[role.axis];
  if (format === "gguf" || PLAIN_DTYPES.has(tensor.dtype)) return size;
  // Packing folds the columns of a matrix; its rows stay countable, unless everything is one column (bitsandbytes).
  const rows = role.axis === 0 && tensor.shape.length >= 2 && tensor.shape[1] !== 1;
  const countable = tensor.dtype === "U32" || tensor.dtype === "I8" || role.packed === true;
  return rows && countable ? size : undefined;
}

function largestKey(blocks: ReadonlyMap<number, unknown>): number {
  let largest = 0;
  for (const block of blocks.keys()) largest = Math.max(largest, block);
  return largest;
}

function missingFrom(blocks: ReadonlyMap<number, unknown>, count: number): number[] {
  const missing: number[] = [];
  if (blocks.size === count) return missing;
  for (let block = 0; block < count && missing.length < FEW; block++) if (!blocks.has(block)) missing.push(block);
  return missing;
}
