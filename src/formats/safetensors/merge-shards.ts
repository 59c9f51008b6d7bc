import { printable, quote } from "../../bytes/printable.ts";
import type { Reporter } from "../../diagnostics.ts";
import { InspectError } from "../../errors.ts";
import type { WeightMap } from "../../source/weight-map.ts";
import type { TensorEntry } from "../tensor-entry.ts";
import type { SafetensorsFile } from "./read.ts";

/** One file of a set, with its path in the repo or directory. */
export type NamedSafetensors = { readonly name: string; readonly safetensors: SafetensorsFile };

/** A model that may lie in several files. */
export type MergedSafetensors = {
  /** `__metadata__` of all files; where they differ the first file wins. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Of all files, in file order; `file` is the place in the list given. */
  readonly tensors: readonly TensorEntry[];
};

/**
 * Makes one tensor table of the files of a set. Two files with the same tensor throw `duplicate-tensor`. Where an
 * index disagrees with the headers, the headers win and `index-mismatch` is reported with the numbers.
 */
export function mergeSafetensorsShards(
  files: readonly NamedSafetensors[],
  index: WeightMap | undefined,
  report: Reporter,
): MergedSafetensors {
  const metadata = new Map<string, string>();
  const tensors: TensorEntry[] = [];
  const holders = new Map<string, NamedSafetensors>();
  files.forEach((file, place) => {
    for (const [key, value] of file.safetensors.metadata) {
      if (!metadata.has(key)) metadata.set(key, value);
    }
    for (const tensor of file.safetensors.tensors) {
      const holder = holders.get(tensor.name);
      if (holder !== undefined) {
        throw new InspectError(
          "duplicate-tensor",
          `${printable(file.name)} holds the tensor ${quote(tensor.name)}, which ${printable(holder.name)} holds too. Remove the file that does not belong to the model.`,
          { source: file.name, tensor: tensor.name },
        );
      }
      holders.set(tensor.name, file);
      tensors.push(tensor.file === place ? tensor : { ...tensor, file: place });
    }
  });
  if (index !== undefined) compareWithIndex(holders, tensors, index, report);
  return { metadata, tensors };
}

function compareWithIndex(
  holders: ReadonlyMap<string, NamedSafetensors>,
  tensors: readonly TensorEntry[],
  { weightMap, totalSize }: WeightMap,
  report: Reporter,
): void {
  const absent: string[] = [];
  const elsewhere: string[] = [];
  for (const [tensor, file] of weightMap) {
    const holder = holders.get(tensor);
    if (holder === undefined) absent.push(tensor);
    else if (!samePath(holder.name, file)) elsewhere.push(tensor);
  }
  const unlisted = [...holders.keys()].filter((tensor) => !weightMap.has(tensor));
  const held = holders.size;
  reportSome(absent, `of ${weightMap.size} tensors in the index are in no file`);
  reportSome(elsewhere, `of ${weightMap.size} tensors in the index are in another file than it says`);
  reportSome(unlisted, `of ${held} tensors in the files are not in the index`);

  const totalBytes = tensors.reduce((sum, tensor) => sum + tensor.bytes, 0);
  if (totalSize !== undefined && totalSize !== totalBytes) {
    report(
      "index-mismatch",
      `The index claims ${totalSize} bytes of tensors; the files hold ${totalBytes}. The files are right.`,
      "metadata.total_size",
    );
  }

  function reportSome(names: readonly string[], what: string): void {
    const [first] = names;
    if (first === undefined) return;
    report(
      "index-mismatch",
      `${names.length} ${what}, the first is ${quote(first)}. The files are right.`,
      "weight_map",
    );
  }
}

/** An index names files from its own folder; the files of a set are named from the repo's. */
function samePath(path: string, indexed: string): boolean {
  return path === indexed || path.endsWith(`/${indexed}`);
}
