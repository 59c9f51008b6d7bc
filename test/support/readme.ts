import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { PartResult } from "../../conformance/part.ts";
import { ROOT } from "../../conformance/paths.ts";

/** Without the commas in its numbers. */
export const README: string = readFileSync(join(ROOT, "README.md"), "utf8").replaceAll(/(?<=\d),(?=\d{3})/g, "");

/** What the summary of a part of the conformance run counts, in its order. */
export async function counted(
  part: () => PartResult | Promise<PartResult>,
  pattern: RegExp,
): Promise<readonly (string | undefined)[]> {
  const { state, summary } = await part();
  expect(state).toBe("passed");
  expect(summary).toMatch(pattern);
  return (pattern.exec(summary) ?? []).slice(1);
}

/** A row of the table of accuracy. */
export function rowWith(words: string): string | undefined {
  return README.split("\n").find((line) => line.startsWith("|") && line.includes(words));
}
