import { type PartResult, verdict } from "../part.ts";
import { missingModules, runPython } from "../python.ts";
import { type Dump, dumpFile } from "./dump.ts";
import { weightFiles } from "./files.ts";

const NAME = "readers against gguf and safetensors (Python)";

/** Compares weighin's reading of every file with the reference packages': names, types, shapes, places, keys. */
export async function checkReaders(): Promise<PartResult> {
  const missing = missingModules(["gguf", "safetensors", "numpy"], "readers/requirements.txt");
  if (missing !== undefined) return { name: NAME, state: "skipped", summary: missing };
  const { files, skipped } = weightFiles();
  const references: Dump[] = runPython("readers/dump.py", [], { input: `${files.join("\n")}\n` })
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const differences: string[] = [];
  let [tensors, keys, refused] = [0, 0, 0];
  for (const reference of references) {
    const own = await dumpFile(reference.file);
    differences.push(...compare(own, reference));
    if ("refused" in own) refused += 1;
    else {
      tensors += own.tensors.length;
      keys += own.keys.length;
    }
  }
  const summary = [
    `${references.length}/${files.length} files (${refused} refused by both), ${tensors} tensors, ${keys} keys`,
    ...skipped.map((what) => `skipped ${what}`),
  ].join("; ");
  return verdict(NAME, summary, differences);
}

function compare(own: Dump, reference: Dump): string[] {
  if ("refused" in own || "refused" in reference) {
    if ("refused" in own && "refused" in reference) return [];
    const [who, why] =
      "refused" in own ? ["weighin", own.refused] : ["the reference", "refused" in reference && reference.refused];
    return [`${own.file}: only ${who} refuses it: ${why}`];
  }
  return [
    ...compareRows(own.file, "key", own.keys, reference.keys),
    ...compareRows(own.file, "tensor", own.tensors, reference.tensors),
  ];
}

/** Rows by name: the packages do not keep the same order. */
function compareRows(
  file: string,
  noun: string,
  own: readonly (readonly unknown[])[],
  reference: readonly (readonly unknown[])[],
): string[] {
  const byName = (rows: readonly (readonly unknown[])[]): Map<string, string> =>
    new Map(rows.map((row) => [String(row[0]), JSON.stringify(row.slice(1))]));
  const [ownRows, referenceRows] = [byName(own), byName(reference)];
  const names = new Set([...ownRows.keys(), ...referenceRows.keys()]);
  return [...names]
    .filter((name) => ownRows.get(name) !== referenceRows.get(name))
    .map((name) => `${file}: ${noun} ${name}: weighin ${ownRows.get(name)}, reference ${referenceRows.get(name)}`);
}
