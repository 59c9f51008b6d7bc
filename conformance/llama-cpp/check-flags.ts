import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type PartResult, verdict } from "../part.ts";
import { ROOT } from "../paths.ts";
import { SOURCE } from "./engine.ts";
import { argumentsSource, FLAGS_FILE, flagsModule, readFlags } from "./flags.ts";

/** Holds the table of flags against the source of the pinned release. */
export function checkFlags(): PartResult {
  const name = "flags of llama.cpp";
  if (!existsSync(SOURCE))
    return { name, state: "skipped", summary: "needs the source that the parts of llama.cpp unpack" };
  const source = argumentsSource();
  const same = readFileSync(join(ROOT, FLAGS_FILE), "utf8") === flagsModule(source);
  const differences = same ? [] : [`${FLAGS_FILE} is another: npx tsx conformance/llama-cpp/write-flags.ts`];
  return verdict(name, `${readFlags(source).length} flags`, differences);
}
