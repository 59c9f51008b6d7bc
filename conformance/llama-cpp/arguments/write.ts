import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildCommon, engineVersion, WORK } from "../engine.ts";
import { goldenPath, goldenText } from "../golden.ts";
import { LINES } from "./lines.ts";

/** Asks llama.cpp's own parser about every line, and writes what came of it. */
const PROGRAM = join(WORK, "ask-arguments");

buildCommon(fileURLToPath(new URL("ask.cpp", import.meta.url)), PROGRAM);
const rows = LINES.map((line) => {
  const output = execFileSync(PROGRAM, line.split(" "), { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  // Of a device it does not know it first prints those it has.
  return { line, parsed: JSON.parse(output.trim().split("\n").at(-1) ?? "") };
});
const engine = { name: "llama.cpp" as const, ...engineVersion() };
const command = "npx tsx conformance/llama-cpp/arguments/write.ts";
writeFileSync(goldenPath("arguments"), goldenText({ engine, command, rows }));
