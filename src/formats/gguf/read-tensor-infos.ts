import { checkedMultiply, checkedProduct, narrow } from "../../bytes/checked.ts";
import { quote } from "../../bytes/printable.ts";
import type { StreamCursor } from "../../bytes/stream-cursor.ts";
import { InspectError } from "../../errors.ts";
import type { GgufReading } from "./read-metadata.ts";
import { decodeGgufString, readUnsigned64 } from "./scalar.ts";
import { GGML_TYPES, type GgmlType, REMOVED_GGML_TYPES } from "./types.ts";

/** One tensor as the header lists it, before its place in the file is checked. */
export type GgufTensorInfo = {
  readonly name: string;
  readonly type: GgmlType;
  /** Fastest dimension first. */
  readonly shape: readonly number[];
  readonly elements: number;
  readonly bytes: number;
  /** As the file says it: from the start of the tensor data. */
  readonly offset: number | bigint;
};

/** GGML_MAX_DIMS. */
const MAX_DIMENSIONS = 4;
/** GGML_MAX_NAME: llama.cpp keeps one byte of these for the terminator and refuses longer names. */
const LLAMA_CPP_NAME_BYTES = 64;
const LONGEST_NAME_BYTES = 1_024;

/**
 * Reads `count` tensor infos. Throws `invalid-tensor`, `unknown-dtype`, `overflow`, `duplicate-tensor`,
 * `truncated`, `limit-exceeded`.
 */
export async function readTensorInfos(
  cursor: StreamCursor,
  count: number,
  reading: GgufReading,
): Promise<readonly GgufTensorInfo[]> {
  const infos: GgufTensorInfo[] = [];
  const seen = new Set<string>();
  const longNames: string[] = [];
  for (let index = 0; index < count; index++) {
    const offset = cursor.offset;
    const what = `tensor ${index}`;
    if (!cursor.has(8)) await cursor.fill(8, what);
    const nameBytes = readUnsigned64(cursor.takeView(8), 0, reading.littleEndian);
    cursor.require(nameBytes, `the name of ${what}`);
    if (nameBytes > LONGEST_NAME_BYTES) {
      throw new InspectError(
        "invalid-tensor",
        `${reading.label}: the name of ${what} is ${nameBytes} bytes long; llama.cpp allows ${LLAMA_CPP_NAME_BYTES - 1}.`,
        { source: reading.label, offset },
      );
    }
    const length = Number(nameBytes);
    if (!cursor.has(length + 4)) await cursor.fill(length + 4, what);
    const name = decodeGgufString(cursor.take(length));
    if (seen.has(cName(name))) {
      throw new InspectError("duplicate-tensor", `${reading.label} lists the tensor ${quote(name)} twice.`, {
        source: reading.label,
        offset,
        tensor: name,
      });
    }
    seen.add(cName(name));
    if (length >= LLAMA_CPP_NAME_BYTES) longNames.push(name);
    infos.push(await readInfo(cursor, name, reading));
  }
  const first = longNames[0];
  if (first !== undefined) {
    reading.report(
      "invalid-tensor",
      `${longNames.length} tensor names are ${LLAMA_CPP_NAME_BYTES} bytes or longer, the first is ${quote(first)}; llama.cpp refuses the file.`,
      reading.label,
    );
  }
  return infos;
}

/** The part of a name that the reference compares: up to the first NUL. */
function cName(name: string): string {
  const end = name.indexOf("\0");
  return end === -1 ? name : name.slice(0, end);
}

/** What follows a tensor's name. The four bytes of its number of dimensions are at hand. */
async function readInfo(cursor: StreamCursor, name: string, reading: GgufReading): Promise<GgufTensorInfo> {
  const { label, littleEndian } = reading;
  const where = { source: label, offset: cursor.offset, tensor: name };
  const dimensions = cursor.takeView(4).getUint32(0, littleEndian);
  if (dimensions > MAX_DIMENSIONS) {
    throw new InspectError(
      "invalid-tensor",
      `${label}: tensor ${quote(name)} has ${dimensions} dimensions, more than ${MAX_DIMENSIONS}.`,
      where,
    );
  }
  const restBytes = dimensions * 8 + 12;
  if (!cursor.has(restBytes)) await cursor.fill(restBytes, `tensor ${quote(name)}`);
  const view = cursor.takeView(restBytes);
  const shape: number[] = [];
  for (let index = 0; index < dimensions; index++) {
    const declared = readUnsigned64(view, index * 8, littleEndian);
    const dimension = narrow(declared);
    if (dimension === undefined) {
      throw new InspectError("overflow", `${label}: tensor ${quote(name)} has a dimension of ${declared}.`, where);
    }
    shape.push(dimension);
  }
  const type = tensorType(view.getUint32(dimensions * 8, littleEndian), name, label, where);
  const row = shape[0] ?? 1;
  if (row % type.blockElements !== 0) {
    throw new InspectError(
      "invalid-tensor",
      `${label}: tensor ${quote(name)} has rows of ${row} elements, not a multiple of the ${type.blockElements} in a ${type.name} block.`,
      where,
    );
  }
  const elements = checkedProduct(shape);
  const bytes = elements === undefined ? undefined : checkedMultiply(elements / type.blockElements, type.blockBytes);
  if (elements === undefined || bytes === undefined) {
    throw new InspectError(
      "overflow",
      `${label}: tensor ${quote(name)} of shape ${shape.join(" x ")} has more elements or bytes than 2^53.`,
      where,
    );
  }
  return { name, type, shape, elements, bytes, offset: readUnsigned64(view, dimensions * 8 + 4, littleEndian) };
}

function tensorType(id: number, name: string, label: string, where: InspectError["where"]): GgmlType {
  const type = GGML_TYPES.get(id);
  if (type !== undefined) return type;
  const removed = REMOVED_GGML_TYPES.get(id);
  throw new InspectError(
    "unknown-dtype",
    removed === undefined
      ? `${label}: tensor ${quote(name)} has the unknown ggml type ${id | 0}. Forks of llama.cpp use numbers of their own; weigh the file with the fork that wrote it.`
      : `${label}: tensor ${quote(name)} has the ggml type ${id} (${removed}), which was removed from GGUF. Quantize the model again.`,
    where,
  );
}
