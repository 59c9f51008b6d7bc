import type { GgufTensor } from "../../../fixtures/write-gguf.ts";
import { ARCHITECTURE_CASES } from "../architectures/cases.ts";
import type { ArchitectureCase } from "../architectures/groups.ts";
import type { ArchitectureKeys, KeyValue } from "../architectures/keys.ts";
import { KEYS_ALONE } from "../whole-models/keys-alone.ts";
import type { PrintedTensor } from "../whole-models/tensors.ts";
import { TIED } from "../whole-models/tied.ts";
import { mixedTypes, withScales } from "./types.ts";

/** One of the cases of `architectures/cases.ts`, with other keys or other tensors. */
export type Variant = {
  readonly variant: string;
  readonly base: ArchitectureCase;
  /** Keys that differ from those of the case. */
  readonly changed: ArchitectureKeys;
  /** A tensor that is left out: the engine takes another for it. */
  readonly without?: string;
  /** What becomes of the tensors that the engine makes up; otherwise what becomes of them in every whole model. */
  readonly typed?: (tensors: readonly PrintedTensor[]) => readonly GgufTensor[];
  /** Its tensors are those of no whole model, though nothing is changed. */
  readonly isWhole?: boolean;
  /** Asked for every combination of devices. */
  readonly inGrid?: true;
};

/** Matrices that stand for one another: the output and the embedding. */
const INTERCHANGED = ["output.weight", "token_embd.weight"];

/** Models with layers enough for three devices: architecture and title of the case, number of blocks. */
const DEEP: readonly (readonly [architecture: string, title: string, blocks: number, without?: string])[] = [
  ["llama", "", 11],
  ["qwen3", "", 11, "output.weight"],
  ["qwen3moe", "experts", 10],
  ["deepseek2", "", 10], // latent attention, experts
  ["glm4moe", "MTP", 12],
  ["gemma3", "", 11, "output.weight"], // windows
  ["gemma3n", "", 12, "output.weight"],
  ["gemma4", "", 12], // its output is made before its embedding
  ["falcon-h1", "", 11], // attention beside a recurrence
  ["qwen3next", "MTP", 12], // delta nets between layers of attention
  ["jamba", "", 10], // a recurrence between layers of attention
  ["openelm", "heads per layer", 9],
  ["nanbeige", "", 9], // looped
  ["bert", "", 9],
  ["t5", "", 9],
];

/** Rows of 768 and 1280 elements: whole blocks of 256, no multiple of the 512 that CUDA wants. */
const ODD_ROWS: ArchitectureKeys = {
  embedding_length: 768,
  feed_forward_length: 1280,
  expert_feed_forward_length: 768,
};

/** What every case may become. Of those without a tensor, some have no such tensor, and the engine refuses some. */
export function variants(): readonly Variant[] {
  return [...withoutOne(), ...lookingBothWays(), ...deep(), ...oddRows(), ...scaled(), ...countedOnly()];
}

function withoutOne(): Variant[] {
  return ARCHITECTURE_CASES.filter(({ title }) => title === "").flatMap((base) =>
    INTERCHANGED.filter((without) => without !== "output.weight" || !TIED.has(base.architecture)).map((without) => ({
      variant: `without ${without}`,
      base,
      changed: {},
      without,
    })),
  );
}

/** Decoders made into encoders by a key of their files. */
function lookingBothWays(): Variant[] {
  return ["llama", "qwen2", "qwen3", "gemma3"].map((architecture) => ({
    variant: "not causal, without output.weight",
    base: caseOf(architecture, ""),
    changed: { "attention.causal": false },
    without: "output.weight",
  }));
}

function deep(): Variant[] {
  return DEEP.map(([architecture, title, blocks, without]) => {
    const base = caseOf(architecture, title);
    const changed = { block_count: blocks, ...perBlock(base.keys, blocks) };
    return { variant: "deep", base, changed, ...(without === undefined ? {} : { without }), inGrid: true };
  });
}

/** Values that each block has one of, for more blocks: they begin anew. */
function perBlock(keys: ArchitectureKeys, blocks: number): ArchitectureKeys {
  const count = Number(keys["block_count"]);
  const isPerBlock = (entry: readonly [string, KeyValue]): entry is [string, readonly number[]] =>
    Array.isArray(entry[1]) && entry[1].length === count;
  const lengthened = Object.entries(keys)
    .filter(isPerBlock)
    .map(([key, values]) => [key, Array.from({ length: blocks }, (_, block) => values[block % count] ?? 0)]);
  return Object.fromEntries(lengthened);
}

function oddRows(): Variant[] {
  return [caseOf("llama", ""), caseOf("qwen3moe", "experts"), caseOf("gemma3n", ""), caseOf("phi3", "")].map(
    (base) => ({
      variant: "mixed types, odd rows",
      base,
      changed: ODD_ROWS,
      typed: mixedTypes,
    }),
  );
}

function scaled(): Variant[] {
  const titles = [
    ["llama", ""],
    ["llama", "experts"],
    ["qwen3", ""],
    ["qwen3moe", "experts"],
    ["qwen35", ""],
    ["nemotron_h", ""],
  ] as const;
  return titles.map(([architecture, title]) => ({
    variant: "NVFP4 with scales",
    base: caseOf(architecture, title),
    changed: {},
    typed: withScales,
  }));
}

/** They have their own tensors, as nothing like them is a whole model. */
function countedOnly(): Variant[] {
  return ARCHITECTURE_CASES.filter(({ architecture, title }) => KEYS_ALONE.has(`${architecture} ${title}`)).map(
    (base) => ({ variant: "without the block that predicts", base, changed: {}, isWhole: false }),
  );
}

function caseOf(architecture: string, title: string): ArchitectureCase {
  const found = ARCHITECTURE_CASES.find((each) => each.architecture === architecture && each.title === title);
  if (found === undefined) throw new Error(`no case ${architecture} ${title}`);
  return found;
}
