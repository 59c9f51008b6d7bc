import { fixtureFiles } from "../../fixtures/fixtures.ts";
import { MALFORMED_FILES } from "../malformed/cases.ts";

/** Files that are read together, by their names. */
export type Seed = { readonly name: string; readonly files: ReadonlyMap<string, Uint8Array> };

/** Files of the fixtures that belong together: those of a folder, or of a split, and every GGUF file for itself. */
function fixtureSeeds(): readonly Seed[] {
  const groups = new Map<string, Map<string, Uint8Array>>();
  for (const { path, bytes } of fixtureFiles()) {
    const [, folder = "", file] = path.split("/");
    const name = file === undefined ? path.replace(/-\d{5}-of-\d{5}/, "") : `safetensors/${folder}`;
    const group = groups.get(name) ?? new Map<string, Uint8Array>();
    groups.set(name, group.set(path.split("/").pop() ?? path, bytes));
  }
  return [...groups].map(([name, files]) => ({ name, files }));
}

const WEIGHT = 12;

/** What the fuzzer starts from: every fixture, and every malformed file that is not large. */
export function fuzzSeeds(): readonly Seed[] {
  const malformed = MALFORMED_FILES.map(
    ({ format, title, bytes }): Seed => ({ name: title, files: new Map([[`model.${format}`, bytes()]]) }),
  );
  // Whole models are read on through all of the library, so each stands for several.
  const whole = fixtureSeeds();
  return [...Array.from({ length: WEIGHT }, () => whole).flat(), ...malformed].filter(({ files }) =>
    [...files.values()].every(({ length }) => length < 200_000),
  );
}
