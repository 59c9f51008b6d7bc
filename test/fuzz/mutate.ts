import { concatBytes } from "../../src/source/concat-bytes.ts";
import type { Random } from "./random.ts";

/** Numbers where lengths, counts and offsets break. */
const LENGTHS = [
  0n,
  1n,
  0x7fn,
  0xffn,
  0xffffn,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n,
  2n ** 62n,
  2n ** 63n,
  2n ** 64n - 1n,
];

/** Pieces of JSON and of names where parsers differ. */
const TEXTS = [
  "-1",
  "1e308",
  "1e-9",
  "1.5",
  "null",
  "true",
  '""',
  "[]",
  "{}",
  "[[",
  "9007199254740993",
  '"__proto__"',
  '"\\ud800"',
  "\\u0000",
  "NaN",
  "/*",
  "\ufeff",
];

const NUMBERS = [
  "0",
  "1",
  "2",
  "3",
  "7",
  "64",
  "100",
  "255",
  "1000003",
  "4294967296",
  "9007199254740993",
  "-1",
  "0.5",
  "1e9",
];

type Mutation = (bytes: Uint8Array, random: Random, reach: number) => Uint8Array;

const flipBit: Mutation = (bytes, random, reach) => {
  const at = random.below(reach);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
  return bytes;
};

const setByte: Mutation = (bytes, random, reach) => {
  bytes[random.below(reach)] = random.pick([0, 1, 0x22, 0x2c, 0x5b, 0x7b, 0x7d, 0x7f, 0x80, 0xc3, 0xff]);
  return bytes;
};

const writeNumber: Mutation = (bytes, random, reach) => {
  const width = random.pick([1, 2, 4, 8]);
  const at = random.below(Math.max(1, reach - width));
  let value = random.pick(LENGTHS);
  for (let index = 0; index < width && at + index < bytes.length; index++, value >>= 8n)
    bytes[at + index] = Number(value & 0xffn);
  return bytes;
};

const cut: Mutation = (bytes, random) => bytes.slice(0, random.below(bytes.length));

const remove: Mutation = (bytes, random, reach) => {
  const at = random.below(reach);
  return concatBytes([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(16))]);
};

const repeat: Mutation = (bytes, random, reach) => {
  const at = random.below(reach);
  const piece = bytes.subarray(at, at + 1 + random.below(64));
  return concatBytes([bytes.subarray(0, at), piece, piece, bytes.subarray(at + piece.length)]);
};

const move: Mutation = (bytes, random, reach) => {
  const from = random.below(reach);
  bytes.copyWithin(random.below(reach), from, from + 1 + random.below(64));
  return bytes;
};

const insertText: Mutation = (bytes, random, reach) => {
  const at = random.below(reach);
  const text = new TextEncoder().encode(random.pick(TEXTS));
  return concatBytes([bytes.subarray(0, at), text, bytes.subarray(at + random.pick([0, text.length]))]);
};

/** A whole number of a text becomes another, which leaves the text readable. */
const replaceDigits: Mutation = (bytes, random, reach) => {
  const isDigit = (index: number): boolean => (bytes[index] ?? 0) >= 0x30 && (bytes[index] ?? 0) <= 0x39;
  const starts = Array.from({ length: reach }, (_, index) => index).filter((at) => isDigit(at) && !isDigit(at - 1));
  if (starts.length === 0) return flipBit(bytes, random, reach);
  const start = random.pick(starts);
  let end = start;
  while (isDigit(end)) end++;
  const number = new TextEncoder().encode(random.pick(NUMBERS));
  return concatBytes([bytes.subarray(0, start), number, bytes.subarray(end)]);
};

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  setByte,
  writeNumber,
  writeNumber,
  cut,
  remove,
  repeat,
  move,
  insertText,
  replaceDigits,
  replaceDigits,
  replaceDigits,
];

/** A copy with one to three changes, most of them within the first `reach` bytes, where the header is. */
export function mutate(original: Uint8Array, random: Random, reach: number): Uint8Array {
  let bytes: Uint8Array = new Uint8Array(original);
  for (let changes = 1 + random.below(3); changes > 0; changes--) {
    bytes = random.pick(MUTATIONS)(bytes, random, Math.max(1, Math.min(reach, bytes.length)));
  }
  return bytes;
}
