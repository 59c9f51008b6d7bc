import {
  array,
  bool,
  f32,
  type GgufFile,
  type GgufFixtureValue,
  type GgufKeys,
  type GgufTensor,
  i32,
  text,
  u32,
  u64,
  writeGguf,
} from "../../../fixtures/write-gguf.ts";

/** A value of a key: a number, a flag, or one per layer. */
export type KeyValue = number | boolean | string | readonly number[];

/** Keys of one architecture, without its prefix. */
export type ArchitectureKeys = Readonly<Record<string, KeyValue>>;

/** Keys that hold floating-point numbers, by their last word or words. Every other number is an integer. */
const FLOATING =
  /(?:epsilon|scale|bias|kqv|beta|alpha_[np]|freq_base(?:_swa)?|eps|magnitude|softcapping|lower_bound|clamp_\w+)$/;

/** Arrays of 64-bit numbers. */
const WIDE = /^ple\.(?:layer_multipliers|head_offsets|head_vocab_sizes)$/;

/** Keys that carry no architecture. */
const OUTSIDE = /^(?:tokenizer|xielu)\./;

/** A GGUF file of keys: no vocabulary, and no tensors unless given. */
export function writeKeys(
  architecture: string,
  keys: ArchitectureKeys,
  tensors: readonly GgufTensor[] = [],
): Uint8Array {
  return writeGguf(ggufOfKeys(architecture, keys, tensors));
}

/** The same, before it is written. */
export function ggufOfKeys(architecture: string, keys: ArchitectureKeys, tensors: readonly GgufTensor[]): GgufFile {
  const own = Object.entries(keys).map(
    ([key, value]) => [OUTSIDE.test(key) ? key : `${architecture}.${key}`, typed(key, value)] as const,
  );
  const all: GgufKeys = [
    ["general.architecture", text(architecture)],
    ...own,
    ["tokenizer.ggml.model", text("no_vocab")],
  ];
  return { keys: all, tensors };
}

function typed(key: string, value: KeyValue): GgufFixtureValue {
  if (typeof value === "string") return text(value);
  if (typeof value === "boolean") return bool(value);
  const values = typeof value === "number" ? [value] : value;
  const isFloating = FLOATING.test(key) || values.some((each) => !Number.isInteger(each));
  const integer = values.some((each) => each < 0) ? i32 : u32;
  const number = isFloating ? f32 : WIDE.test(key) ? u64 : integer;
  return typeof value === "number" ? number(value) : array(value.map(number));
}
