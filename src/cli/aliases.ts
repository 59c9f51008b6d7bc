import { COMPANION_ALIASES } from "./companion-options.ts";
import { PLACEMENT_ALIASES } from "./placement-options.ts";

/** llama.cpp's names for what already has one here, and its short options of more than one letter. */
export const ALIASES: ReadonlyMap<string, string> = new Map([
  ["--ctx-size", "--context"],
  ["-np", "--sequences"],
  ["--parallel", "--sequences"],
  ["-ctk", "--cache-type-k"],
  ["-ctv", "--cache-type-v"],
  ["-ub", "--ubatch-size"],
  ["-fa", "--flash-attn"],
  ["-kvu", "--kv-unified"],
  ["-no-kvu", "--no-kv-unified"],
  ...PLACEMENT_ALIASES,
  ...COMPANION_ALIASES,
]);

/** The first short name of each option that has one; the parser itself has no place for more than one letter. */
export const SHORT_NAMES: ReadonlyMap<string, string> = new Map(
  [...ALIASES].filter(([name]) => !name.startsWith("--")).map(([name, own]) => [own, name]),
);
