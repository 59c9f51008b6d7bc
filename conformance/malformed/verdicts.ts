import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MALFORMED_FILES, type MalformedFile } from "../../test/malformed/cases.ts";
import { missingBinary, publishedLibrary } from "../llama-cpp/engine.ts";
import { ROOT } from "../paths.ts";
import { missingModules, runPython } from "../python.ts";

export const VERDICTS_PATH: string = join(ROOT, "conformance/malformed/golden/verdicts.json");

/** What a reference reader makes of one file, and why, in its own words. */
export type Verdict = {
  readonly format: MalformedFile["format"];
  readonly title: string;
  readonly takes: boolean;
  readonly reason?: string;
};

export type Verdicts = {
  readonly versions: { readonly "llama.cpp": string; readonly safetensors: string };
  readonly command: string;
  readonly rows: readonly Verdict[];
};

/** Where this reader's verdict is another than the reference's, on purpose, and why. */
export const ON_PURPOSE: ReadonlyMap<string, string> = new Map([
  ["G-06 a big-endian file", "read and marked: llama.cpp refuses it on a machine of the other byte order"],
  [
    "G-26 a tensor name of 64 bytes, with a diagnostic",
    "read with a note that llama.cpp refuses it: other engines allow it",
  ],
  [
    "G-31 a product that wraps to 0",
    "rejected: the reference's own product wraps, and it takes the tensor for an empty one",
  ],
  ["S-38 a duplicate tensor name", "rejected, as the format's README says: the reference keeps one of the two"],
  ["S-39 the same name raw and escaped", "rejected, as the format's README says: the reference keeps one of the two"],
]);

export function readVerdicts(): Verdicts {
  return JSON.parse(readFileSync(VERDICTS_PATH, "utf8"));
}

/** One row a line. */
export function verdictsText({ versions, command, rows }: Verdicts): string {
  const lines = rows.map((row) => `    ${JSON.stringify(row)}`).join(",\n");
  return `{\n  "versions": ${JSON.stringify(versions)},\n  "command": ${JSON.stringify(command)},\n  "rows": [\n${lines}\n  ]\n}\n`;
}

/** Why the references cannot be asked here, or undefined when they can. */
export function missingReferences(): string | undefined {
  return missingBinary() ?? missingModules(["safetensors", "numpy"], "readers/requirements.txt");
}

/** Gives every file to the reader of its format: a few seconds. */
export function askReferences(): Verdicts {
  const folder = mkdtempSync(join(tmpdir(), "weighin-malformed-"));
  try {
    const names = MALFORMED_FILES.map(({ format }, index) => `${String(index).padStart(4, "0")}.${format}`);
    for (const [index, file] of MALFORMED_FILES.entries()) {
      writeFileSync(join(folder, names[index] ?? ""), file.bytes());
    }
    const { path, release } = publishedLibrary();
    const [head = "", ...lines] = runPython("malformed/ask.py", [folder, path]).trim().split("\n");
    const answers = new Map(
      lines.map((line) => JSON.parse(line)).map(({ file, ...answer }) => [file, answer] as const),
    );
    const rows = MALFORMED_FILES.map(({ format, title }, index) => ({ format, title, ...answers.get(names[index]) }));
    return {
      versions: { "llama.cpp": release, ...JSON.parse(head) },
      command: "npx tsx conformance/malformed/regenerate.ts",
      rows,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
