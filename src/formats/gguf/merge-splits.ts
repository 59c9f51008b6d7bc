import { printable, quote } from "../../bytes/printable.ts";
import { type InspectCode, InspectError } from "../../errors.ts";
import { parseShardName, type ShardName, shardSet } from "../../source/shard-name.ts";
import type { TensorEntry } from "../tensor-entry.ts";
import type { GgufFile } from "./read.ts";
import { SPLIT_COUNT_KEY, SPLIT_INDEX_KEY, SPLIT_TENSORS_KEY, wholeNumber } from "./split.ts";
import type { GgufMetadata } from "./value.ts";

/** One file of a set, with the name its messages use. */
export type NamedGguf = { readonly name: string; readonly gguf: GgufFile };

/** A model that may lie in several files. All but `tensors` is what the first file says. */
export type MergedGguf = {
  readonly version: number;
  readonly littleEndian: boolean;
  readonly alignment: number;
  readonly metadata: GgufMetadata;
  /** Of all files, in file order; `file` is the place in the list given. */
  readonly tensors: readonly TensorEntry[];
};

/**
 * Makes one tensor table of the files of a set, in split order, checked the way llama.cpp checks them on loading
 * (src/llama-model-loader.cpp, v0.5.0). Throws `missing-shard`, `shard-mismatch` or `duplicate-tensor`, naming the
 * file.
 */
export function mergeGgufSplits(files: readonly NamedGguf[]): MergedGguf {
  const [first] = files;
  if (first === undefined) throw new InspectError("no-model", "There is no GGUF file to weigh.");
  const count = wholeNumber(first.gguf.metadata, SPLIT_COUNT_KEY) ?? 1;
  if (files.length > 1 || count > 1) checkSet(files, first, count);
  const tensors = mergeTensors(files);
  const declared = wholeNumber(first.gguf.metadata, SPLIT_TENSORS_KEY);
  if (count > 1 && declared !== tensors.length) {
    throw problem(
      "shard-mismatch",
      first,
      `says the set has ${declared ?? "an unknown number of"} tensors, but its ${files.length} files hold ${tensors.length}. Is one of them from another model?`,
    );
  }
  const { version, littleEndian, alignment, metadata } = first.gguf;
  return { version, littleEndian, alignment, metadata, tensors };
}

function checkSet(files: readonly NamedGguf[], first: NamedGguf, count: number): void {
  const firstIndex = wholeNumber(first.gguf.metadata, SPLIT_INDEX_KEY);
  if (firstIndex !== undefined && firstIndex !== 0) {
    throw problem("missing-shard", first, `is part ${firstIndex + 1} of ${count}. Give the first part of the set.`);
  }
  if (files.length !== count) {
    const missing = missingNames(files, count);
    throw problem(
      files.length < count ? "missing-shard" : "shard-mismatch",
      first,
      `is part of a set of ${count}, but ${files.length} files are there${missing === "" ? "" : `; missing: ${missing}`}.`,
    );
  }
  files.forEach((file, index) => {
    checkPlace(file, index, count, first);
  });
}

function checkPlace(file: NamedGguf, index: number, count: number, first: NamedGguf): void {
  const { metadata, littleEndian } = file.gguf;
  const declaredIndex = wholeNumber(metadata, SPLIT_INDEX_KEY);
  if (declaredIndex !== index) {
    const says = declaredIndex === undefined ? `has no ${SPLIT_INDEX_KEY}` : `says it is part ${declaredIndex + 1}`;
    throw problem("shard-mismatch", file, `${says}, where part ${index + 1} of ${count} belongs.`);
  }
  const declaredCount = wholeNumber(metadata, SPLIT_COUNT_KEY) ?? count;
  if (declaredCount !== count) {
    throw problem("shard-mismatch", file, `says the set has ${declaredCount} files, the first part says ${count}.`);
  }
  const named = parseShardName(file.name);
  if (named !== undefined && (named.index !== index + 1 || named.total !== count)) {
    throw problem(
      "shard-mismatch",
      file,
      `is named part ${named.index} of ${named.total}, but its metadata says part ${index + 1} of ${count}. Was it renamed?`,
    );
  }
  if (littleEndian !== first.gguf.littleEndian) {
    throw problem("shard-mismatch", file, "has another byte order than the first part.");
  }
}

/** How many missing files a message names before it only counts them. */
const NAMED_MISSING = 5;

/** The file names of the set that were not given, where the names say what the set is. */
function missingNames(files: readonly NamedGguf[], count: number): string {
  const named: ShardName | undefined = files.map(({ name }) => parseShardName(name)).find((name) => name !== undefined);
  if (named === undefined || named.total !== count) return "";
  const present = new Set(files.map(({ name }) => name));
  const missing = shardSet(named, false).filter((name) => !present.has(name));
  const rest = missing.length - NAMED_MISSING;
  return missing.slice(0, NAMED_MISSING).map(quote).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}

function mergeTensors(files: readonly NamedGguf[]): readonly TensorEntry[] {
  const tensors: TensorEntry[] = [];
  const holders = new Map<string, NamedGguf>();
  files.forEach((file, index) => {
    for (const tensor of file.gguf.tensors) {
      const holder = holders.get(tensor.name);
      if (holder !== undefined) {
        throw problem(
          "duplicate-tensor",
          file,
          `holds the tensor ${quote(tensor.name)}, which ${quote(holder.name)} holds too.`,
          tensor.name,
        );
      }
      holders.set(tensor.name, file);
      tensors.push(tensor.file === index ? tensor : { ...tensor, file: index });
    }
  });
  return tensors;
}

function problem(code: InspectCode, file: NamedGguf, what: string, tensor?: string): InspectError {
  const where = tensor === undefined ? { source: file.name } : { source: file.name, tensor };
  return new InspectError(code, `${printable(file.name)} ${what}`, where);
}
