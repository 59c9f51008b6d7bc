import { InvalidArgumentError } from "commander";
import type { RuntimeName } from "../runtimes/workload.ts";
import { TABLE_RUNTIMES } from "./runtime-options/runtime-options.ts";
import { parseWord } from "./values.ts";

export const RUNTIME_NAMES: readonly RuntimeName[] = ["llama.cpp", ...TABLE_RUNTIMES];

/** Runtimes whose rules are known for more than one release. */
const VERSIONED = ["transformers", "vllm"] as const satisfies readonly RuntimeName[];

/** A runtime to weigh for, of one release where one is named. */
export type RuntimeChoice = { readonly name: RuntimeName; readonly version?: string };

/** `vllm`, `vllm@0.20.0`, `all`. */
export function parseRuntime(text: string): RuntimeChoice | "all" {
  const [word = "", version, ...more] = text.split("@");
  const name = parseWord([...RUNTIME_NAMES, "all"])(word);
  if (version === undefined) return name === "all" ? name : { name };
  const versioned = VERSIONED.find((each) => each === name);
  if (versioned === undefined || version === "" || more.length > 0) {
    throw new InvalidArgumentError(`Write a release as ${VERSIONED.map((each) => `${each}@1.2.3`).join(" or ")}.`);
  }
  return { name: versioned, version };
}
