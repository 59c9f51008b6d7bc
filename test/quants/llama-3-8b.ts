import { GGML_TYPES } from "../../src/formats/gguf/types.ts";
import { makeByteWriter } from "../formats/byte-writer.ts";
import { type GgufKeySpec, type GgufTensorSpec, writeGguf } from "../formats/write-gguf.ts";
import { type FileType, fileTypeNumber, hasImportances, typeOf } from "./mix.ts";

/** A file: its header, and zeros up to its size. */
export type QuantFile = { readonly header: Uint8Array; readonly size: number };

const LAYERS = 32;
const WIDTH = 4096;
const TOKENS = 128_256;
const MERGES = 280_147;

/** Tensors of Llama-3-8B in the order llama-quantize writes them: by layer, then by name. */
function shapes(): (readonly [name: string, shape: readonly number[]])[] {
  const top = [
    ["output.weight", [WIDTH, TOKENS]],
    ["output_norm.weight", [WIDTH]],
    ["token_embd.weight", [WIDTH, TOKENS]],
  ] as const;
  const block = [
    ["attn_k", [WIDTH, 1024]],
    ["attn_norm", [WIDTH]],
    ["attn_output", [WIDTH, WIDTH]],
    ["attn_q", [WIDTH, WIDTH]],
    ["attn_v", [WIDTH, 1024]],
    ["ffn_down", [14_336, WIDTH]],
    ["ffn_gate", [WIDTH, 14_336]],
    ["ffn_norm", [WIDTH]],
    ["ffn_up", [WIDTH, 14_336]],
  ] as const;
  const blocks = Array.from({ length: LAYERS }, (_, layer) =>
    block.map(([name, shape]) => [`blk.${layer}.${name}.weight`, shape] as const),
  );
  return [...top, ...blocks.flat()];
}

function tensors(fileType: FileType): { readonly specs: GgufTensorSpec[]; readonly dataBytes: number } {
  const byName = new Map([...GGML_TYPES.values()].map((type) => [type.name, type]));
  let offset = 0;
  const specs = shapes().map(([name, shape]) => {
    const type = byName.get(typeOf(fileType, name, shape.length));
    if (type === undefined) throw new Error(`no ggml type for ${name}`);
    const spec = { name, shape, type: type.id, offset };
    const bytes = (shape.reduce((product, size) => product * size, 1) / type.blockElements) * type.blockBytes;
    offset += Math.ceil(bytes / 32) * 32;
    return spec;
  });
  return { specs, dataBytes: offset };
}

/** Entries of a string array as one run of bytes, made once for all files. */
function strings(count: number, text: (index: number) => string): Uint8Array {
  const writer = makeByteWriter(true);
  const encoder = new TextEncoder();
  for (let index = 0; index < count; index++) {
    const bytes = encoder.encode(text(index));
    writer.u64(bytes.length);
    writer.raw(bytes);
  }
  return writer.bytes();
}

const word = (index: number): string => `_${index.toString(36).padStart(5, "x")}`;
const TOKEN_BYTES = strings(TOKENS, word);
const merge = (index: number): string => `${word(index % 9_000)} ${word(index % 7_000)}`;
const MERGE_BYTES = strings(MERGES, merge);
const TYPE_BYTES = new Uint8Array(TOKENS * 4).map((_, at) => (at % 4 === 0 ? 1 : 0));

/** What may be done to a file so that it is not laid out as its siblings. */
export type Lie = {
  /** A token more, in the file and in its keys. */
  readonly oneTokenMore?: boolean;
  /** A token longer and a merge shorter: what follows both lies where it does in the others. */
  readonly otherTokens?: boolean;
  /** Two merges written as one of the same bytes. */
  readonly oneMergeFewer?: boolean;
  /** The merges before the tokens. */
  readonly swapped?: boolean;
  /** A key between the tokens and what follows them. */
  readonly keyBetween?: boolean;
  readonly trailingBytes?: number;
};

const stringArray = (key: string, bytes: Uint8Array, length: number): GgufKeySpec => ({
  key,
  type: "array",
  elementType: "string",
  values: [bytes],
  valueLength: length,
});

function tokenizerKeys(lie: Lie): GgufKeySpec[] {
  const more = lie.oneTokenMore ? 1 : 0;
  const tokens = stringArray("tokenizer.ggml.tokens", tokenBytes(lie), TOKENS + more);
  const merges = stringArray("tokenizer.ggml.merges", mergeBytes(lie), lie.oneMergeFewer ? MERGES - 1 : MERGES);
  const types: GgufKeySpec = {
    key: "tokenizer.ggml.token_type",
    type: "array",
    elementType: "i32",
    values: [lie.oneTokenMore ? joined(TYPE_BYTES, new Uint8Array(4)) : TYPE_BYTES],
    valueLength: TOKENS + more,
  };
  const between: GgufKeySpec[] = lie.keyBetween
    ? [{ key: "tokenizer.ggml.add_bos_token", type: "bool", value: true }]
    : [];
  return [
    { key: "tokenizer.ggml.model", type: "string", value: "gpt2" },
    { key: "tokenizer.ggml.pre", type: "string", value: "llama-bpe" },
    ...(lie.swapped ? [merges, ...between, types, tokens] : [tokens, ...between, types, merges]),
    { key: "tokenizer.ggml.bos_token_id", type: "u32", value: 128_000 },
    { key: "tokenizer.ggml.eos_token_id", type: "u32", value: 128_001 },
    { key: "tokenizer.chat_template", type: "string", value: "{% for message in messages %}…{% endfor %}".repeat(10) },
  ];
}

function tokenBytes(lie: Lie): Uint8Array {
  if (lie.oneTokenMore)
    return joined(
      TOKEN_BYTES,
      strings(1, () => "one more"),
    );
  return lie.otherTokens
    ? joined(
        strings(1, () => "three more"),
        TOKEN_BYTES.subarray(8 + word(0).length),
      )
    : TOKEN_BYTES;
}

function mergeBytes(lie: Lie): Uint8Array {
  const first = merge(0);
  const both = joined(
    strings(1, () => first),
    strings(1, () => merge(1)),
  );
  const rest = MERGE_BYTES.subarray(both.length);
  if (lie.oneMergeFewer)
    return joined(
      strings(1, () => `${first}${"-".repeat(8)}${merge(1)}`),
      rest,
    );
  if (!lie.otherTokens) return MERGE_BYTES;
  // Shorter by what the tokens are longer: what follows both lies where it does in the others.
  const longer = tokenBytes(lie).length - TOKEN_BYTES.length;
  return joined(
    strings(1, () => first.slice(longer)),
    MERGE_BYTES.subarray(strings(1, () => first).length),
  );
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

function importanceKeys(fileType: FileType): GgufKeySpec[] {
  if (!hasImportances(fileType)) return [];
  return [
    { key: "quantize.imatrix.file", type: "string", value: `/models/Meta-Llama-3-8B-Instruct.imatrix` },
    { key: "quantize.imatrix.dataset", type: "string", value: "/training_dir/calibration_data.txt" },
    { key: "quantize.imatrix.entries_count", type: "i32", value: 224 },
    { key: "quantize.imatrix.chunks_count", type: "i32", value: 125 },
  ];
}

const number = (key: string, value: number): GgufKeySpec => ({ key: `llama.${key}`, type: "u32", value });

/**
 * One quantization. llama-quantize of today writes the two keys of quantizing after the others; earlier ones wrote
 * `general.file_type` where the source has it, which about half of the files on the hub have.
 */
export function writeQuant(fileType: FileType, lie: Lie = {}): QuantFile {
  const { specs, dataBytes } = tensors(fileType);
  const type: GgufKeySpec = { key: "general.file_type", type: "u32", value: fileTypeNumber(fileType) };
  const version: GgufKeySpec = { key: "general.quantization_version", type: "u32", value: 2 };
  const inPlace = fileTypeNumber(fileType) % 2 === 0;
  const header = writeGguf({
    keys: [
      { key: "general.architecture", type: "string", value: "llama" },
      { key: "general.name", type: "string", value: "Meta-Llama-3-8B-Instruct" },
      number("block_count", LAYERS),
      number("context_length", 8192),
      number("embedding_length", WIDTH),
      number("feed_forward_length", 14_336),
      number("attention.head_count", 32),
      number("attention.head_count_kv", 8),
      { key: "llama.rope.freq_base", type: "f32", value: 500_000 },
      { key: "llama.attention.layer_norm_rms_epsilon", type: "f32", value: 1e-5 },
      ...(inPlace ? [type] : []),
      number("vocab_size", TOKENS),
      number("rope.dimension_count", 128),
      ...tokenizerKeys(lie),
      version,
      ...(inPlace ? [] : [type]),
      ...importanceKeys(fileType),
    ],
    tensors: specs,
  });
  return { header, size: header.length + dataBytes + (lie.trailingBytes ?? 0) };
}
