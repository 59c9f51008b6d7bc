import { checkedAdd, checkedPad } from "../../bytes/checked.ts";
import { quote } from "../../bytes/printable.ts";
import type { Reporter } from "../../diagnostics.ts";
import { InspectError } from "../../errors.ts";
import type { TensorEntry } from "../tensor-entry.ts";
import type { GgufTensorInfo } from "./read-tensor-infos.ts";
import type { GgufMetadata } from "./value.ts";

const ALIGNMENT_KEY = "general.alignment";
const DEFAULT_ALIGNMENT = 32;

/** What `general.alignment` says, 32 without it. Throws `invalid-alignment` for what llama.cpp refuses. */
export function alignmentOf(metadata: GgufMetadata, label: string): number {
  const found = metadata.get(ALIGNMENT_KEY);
  if (found === undefined) return DEFAULT_ALIGNMENT;
  const where = { source: label, key: ALIGNMENT_KEY };
  if (found.type !== "u32") {
    throw new InspectError("invalid-alignment", `${label}: ${ALIGNMENT_KEY} is a ${found.type}, not a u32.`, where);
  }
  const alignment = Number(found.value);
  if (!Number.isInteger(Math.log2(alignment))) {
    throw new InspectError(
      "invalid-alignment",
      `${label}: ${ALIGNMENT_KEY} is ${alignment}, not a power of two.`,
      where,
    );
  }
  return alignment;
}

/** Where the tensors of one file are checked against. */
export type GgufLayout = {
  readonly label: string;
  /** First byte after the last tensor info. */
  readonly headerEnd: number;
  readonly alignment: number;
  /** Length of the file. */
  readonly sizeBytes: number;
  readonly file: number;
  readonly report: Reporter;
};

/**
 * Gives every tensor its absolute offset. Each must start where the one before it ended, padded to the alignment;
 * the last may end unpadded at the end of the file. Throws `invalid-offset`, `overflow`, `truncated`.
 */
export function placeTensors(
  infos: readonly GgufTensorInfo[],
  layout: GgufLayout,
): { readonly tensors: readonly TensorEntry[]; readonly headerBytes: number } {
  const { label, alignment, sizeBytes } = layout;
  const headerBytes = infos.length === 0 ? layout.headerEnd : pad(layout.headerEnd, layout);
  const tensors: TensorEntry[] = [];
  let start = headerBytes;
  let end = headerBytes;
  for (const { name, type, shape, elements, bytes, offset } of infos) {
    const expected = start - headerBytes;
    if (offset !== expected) throw misplaced(name, offset, expected, layout);
    end = checkedAdd(start, bytes) ?? overflowed(label, name);
    tensors.push({ name, dtype: type.name, shape, elements, bytes, file: layout.file, offset: start });
    start = pad(end, layout, name);
  }
  if (end > sizeBytes) {
    throw new InspectError(
      "truncated",
      `${label} is ${sizeBytes} bytes long, but its tensors end at byte ${end}: ${end - sizeBytes} bytes are missing. Is the download incomplete?`,
      { source: label, offset: sizeBytes },
    );
  }
  const paddedEnd = checkedPad(end, alignment) ?? end;
  if (sizeBytes > paddedEnd) {
    layout.report(
      "trailing-bytes",
      `${sizeBytes - paddedEnd} bytes follow the tensor data, which ends at byte ${end}; engines ignore them.`,
      label,
    );
  }
  return { tensors, headerBytes };
}

function pad(value: number, layout: GgufLayout, tensor?: string): number {
  return checkedPad(value, layout.alignment) ?? overflowed(layout.label, tensor);
}

function overflowed(label: string, tensor: string | undefined): never {
  throw new InspectError(
    "overflow",
    `${label}: the tensors together are larger than 2^53 bytes.`,
    tensor === undefined ? { source: label } : { source: label, tensor },
  );
}

function misplaced(name: string, offset: number | bigint, expected: number, layout: GgufLayout): InspectError {
  const difference = BigInt(offset) - BigInt(expected);
  const by =
    difference > 0n ? `a gap of ${difference} bytes` : `an overlap of ${-difference} bytes with the tensor before it`;
  const unaligned = BigInt(offset) % BigInt(layout.alignment) !== 0n;
  return new InspectError(
    "invalid-offset",
    `${layout.label}: tensor ${quote(name)} starts at data offset ${offset}, expected ${expected}: ${by}${unaligned ? `, not on the alignment of ${layout.alignment}` : ""}. Is the file damaged, or written with another alignment?`,
    { source: layout.label, tensor: name },
  );
}
