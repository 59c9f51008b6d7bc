import { narrow } from "../../bytes/checked.ts";
import { quote } from "../../bytes/printable.ts";
import { type InspectCode, InspectError } from "../../errors.ts";
import type { TensorEntry } from "../tensor-entry.ts";
import { SAFETENSORS_DTYPE_BITS } from "./dtypes.ts";
import type { SafetensorsInfo, Whole } from "./parse-header.ts";

/** What the tensors of one file are checked against. */
export type SafetensorsLayout = {
  readonly label: string;
  readonly headerBytes: number;
  /** Length of the file. */
  readonly sizeBytes: number;
  readonly file: number;
};

const MAX_U64 = 0xffff_ffff_ffff_ffffn;

/**
 * Sorts the tensors by offset and gives each its absolute place. They must cover the rest of the file without
 * hole, overlap or rest, each as long as its shape and dtype say. Throws `invalid-offset`, `invalid-tensor`,
 * `overflow`, `truncated`, `trailing-bytes`.
 */
export function placeTensors(infos: readonly SafetensorsInfo[], layout: SafetensorsLayout): readonly TensorEntry[] {
  const { headerBytes, sizeBytes, file } = layout;
  const sorted = [...infos].sort((a, b) => order(a.begin, b.begin) || order(a.end, b.end));
  const tensors: TensorEntry[] = [];
  let expected = 0;
  for (const info of sorted) {
    if (info.begin !== expected) throw misplaced(info, expected, layout);
    if (info.end < info.begin) {
      throw problem("invalid-offset", info, layout, `ends at ${info.end}, before it begins at ${info.begin}.`);
    }
    const elements = elementsOf(info, layout);
    const end = narrow(info.end);
    const shape = info.shape.map(Number);
    if (end === undefined) throw problem("overflow", info, layout, `ends at ${info.end}, beyond 2^53 bytes.`);
    if (!shape.every(Number.isSafeInteger)) {
      throw problem("overflow", info, layout, `has a dimension beyond 2^53: ${shapeText(info)}.`);
    }
    tensors.push({
      name: info.name,
      dtype: info.dtype,
      shape,
      elements,
      bytes: end - expected,
      file,
      offset: headerBytes + expected,
    });
    expected = end;
  }
  checkLength(headerBytes + expected, sizeBytes, layout.label);
  return tensors;
}

function order(a: Whole, b: Whole): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Product of the shape, once it agrees with the bytes; overflow as the reference's checked u64 arithmetic has it. */
function elementsOf(info: SafetensorsInfo, layout: SafetensorsLayout): number {
  return elementsOfUsual(info) ?? elementsOfAny(info, layout);
}

/** The same for a tensor without fault whose bits are a safe integer, as all real ones: bigints cost ten times as much. */
function elementsOfUsual({ shape, dtype, begin, end }: SafetensorsInfo): number | undefined {
  if (typeof begin === "bigint" || typeof end === "bigint") return undefined;
  let elements = 1;
  for (const dimension of shape) {
    if (typeof dimension === "bigint") return undefined;
    elements *= dimension;
    if (elements > Number.MAX_SAFE_INTEGER) return undefined;
  }
  const bits = elements * (SAFETENSORS_DTYPE_BITS.get(dtype) ?? 0);
  return bits <= Number.MAX_SAFE_INTEGER && bits === (end - begin) * 8 ? elements : undefined;
}

function elementsOfAny(info: SafetensorsInfo, layout: SafetensorsLayout): number {
  let elements = 1n;
  for (const dimension of info.shape) {
    elements *= BigInt(dimension);
    if (elements > MAX_U64) throw overflow(info, layout);
  }
  const bits = elements * BigInt(SAFETENSORS_DTYPE_BITS.get(info.dtype) ?? 0);
  if (bits > MAX_U64) throw overflow(info, layout);
  if (bits % 8n !== 0n) {
    throw problem(
      "invalid-tensor",
      info,
      layout,
      `takes ${bits} bits, not whole bytes: ${info.dtype} ${shapeText(info)}.`,
    );
  }
  const spanBytes = BigInt(info.end) - BigInt(info.begin);
  if (bits / 8n !== spanBytes) {
    throw problem(
      "invalid-tensor",
      info,
      layout,
      `has ${spanBytes} bytes of data, but ${info.dtype} ${shapeText(info)} takes ${bits / 8n}.`,
    );
  }
  return narrow(elements) ?? overflowed(info, layout);
}

function overflowed(info: SafetensorsInfo, layout: SafetensorsLayout): never {
  throw overflow(info, layout);
}

function overflow(info: SafetensorsInfo, layout: SafetensorsLayout): InspectError {
  return problem("overflow", info, layout, `has a shape too large for any file: ${shapeText(info)}.`);
}

function shapeText(info: SafetensorsInfo): string {
  return `[${info.shape.join(", ")}]`;
}

function misplaced(info: SafetensorsInfo, expected: number, layout: SafetensorsLayout): InspectError {
  const difference = BigInt(info.begin) - BigInt(expected);
  const by = difference > 0n ? `a hole of ${difference} bytes` : `an overlap of ${-difference} bytes`;
  return problem("invalid-offset", info, layout, `begins at data offset ${info.begin}, expected ${expected}: ${by}.`);
}

function checkLength(end: number, sizeBytes: number, label: string): void {
  if (end > sizeBytes) {
    throw new InspectError(
      "truncated",
      `${label} is ${sizeBytes} bytes long, but its tensors end at byte ${end}: ${end - sizeBytes} bytes are missing. Is the download incomplete?`,
      { source: label, offset: sizeBytes },
    );
  }
  if (end < sizeBytes) {
    throw new InspectError(
      "trailing-bytes",
      `${label}: ${sizeBytes - end} bytes follow the tensor data, which ends at byte ${end}. No safetensors reader accepts such a file; download it again.`,
      { source: label, offset: end },
    );
  }
}

function problem(code: InspectCode, info: SafetensorsInfo, layout: SafetensorsLayout, what: string): InspectError {
  return new InspectError(code, `${layout.label}: tensor ${quote(info.name)} ${what}`, {
    source: layout.label,
    tensor: info.name,
  });
}
