/** Names of the GGUF value types, by their number in the file. */
export const GGUF_VALUE_TYPES = [
  "u8",
  "i8",
  "u16",
  "i16",
  "u32",
  "i32",
  "f32",
  "bool",
  "string",
  "array",
  "u64",
  "i64",
  "f64",
] as const;

export type GgufValueType = (typeof GGUF_VALUE_TYPES)[number];

/** A single value. 64-bit integers are numbers while they are safe, bigints beyond. */
export type GgufScalar = string | number | bigint | boolean;

/** An array too long to keep: where it is, to be read on demand. */
export type GgufArrayReference = {
  readonly elementType: GgufValueType;
  readonly length: number;
  /** Absolute offset of the first element in its file. */
  readonly offset: number;
  /** Bytes of all elements. */
  readonly bytes: number;
};

export type GgufValue =
  | { readonly type: Exclude<GgufValueType, "array">; readonly value: GgufScalar }
  | { readonly type: "array"; readonly elementType: GgufValueType; readonly values: readonly GgufScalar[] }
  | { readonly type: "array"; readonly elementType: GgufValueType; readonly reference: GgufArrayReference };

/** The keys of one file, in file order. */
export type GgufMetadata = ReadonlyMap<string, GgufValue>;
