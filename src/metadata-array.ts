import { InspectError } from "./errors.ts";
import { readGguf } from "./formats/gguf/read.ts";
import { readGgufArray } from "./formats/gguf/read-array.ts";
import type { GgufScalar } from "./formats/gguf/value.ts";
import type { ModelInput, Platform } from "./inspection.ts";
import { type InspectOptions, resolveOptions } from "./options.ts";
import { resolveSource } from "./source/resolve.ts";

/** Reads one array of a GGUF file's metadata, which `inspectModel` names with its length but does not copy. */
export async function readArray(
  input: ModelInput,
  key: string,
  options: InspectOptions,
  platform: Platform,
): Promise<readonly GgufScalar[]> {
  const sourceOptions = resolveOptions(options, platform.redirects);
  const { limits, signal } = sourceOptions;
  const resolved = await resolveSource(input, sourceOptions, platform.openLocal);
  // In a split set the first file holds the keys.
  const [file] = resolved.files;
  if (resolved.format !== "gguf" || file === undefined) {
    for (const started of resolved.files) started.abandon?.();
    throw new InspectError("wrong-format", `${resolved.id} is not GGUF: only GGUF files have metadata arrays.`, {
      source: resolved.id,
      key,
    });
  }
  const source = await file.open(signal);
  try {
    const header = await readGguf(source, { limits, signal, report: () => {}, file: 0 });
    const value = header.metadata.get(key);
    if (value?.type !== "array") {
      const arrays = [...header.metadata].filter(([, candidate]) => candidate.type === "array").map(([name]) => name);
      throw new InspectError(
        "not-found",
        `${source.label} has no array ${key}; it has: ${arrays.join(", ") || "none"}.`,
        {
          source: source.label,
          key,
        },
      );
    }
    if ("values" in value) return value.values;
    return await readGgufArray(source, value.reference, header.littleEndian, { signal });
  } finally {
    await source.close?.();
  }
}
