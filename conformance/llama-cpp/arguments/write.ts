import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildCommon, engineVersion } from "../engine.ts";
import { LINES } from "./lines.ts";
import { PARSED_FILE } from "./parsed.ts";

/** Asks llama.cpp's own parser about every line, and writes what came of it. */
const PROGRAM = join(fileURLToPath(new URL("../work", import.meta.url)), "ask-arguments");

buildCommon(fileURLToPath(new URL("ask.cpp", import.meta.url)), PROGRAM);
const rows = LINES.map((line) => {
  const output = execFileSync(PROGRAM, line.split(" "), { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  // Of a device it does not know it first prints those it has.
  return { line, parsed: JSON.parse(output.trim().split("\n").at(-1) ?? "") };
});
mkdirSync(join(PARSED_FILE, ".."), { recursive: true });
writeFileSync(PARSED_FILE, `${JSON.stringify({ engine: { name: "llama.cpp", ...engineVersion() }, rows }, null, 1)}\n`);
