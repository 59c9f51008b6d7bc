import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { differingVerdicts } from "../../conformance/malformed/check.ts";
import { MALFORMED_DOC, malformedDoc } from "../../conformance/malformed/malformed-doc.ts";
import { ON_PURPOSE, readVerdicts } from "../../conformance/malformed/verdicts.ts";
import { MALFORMED_FILES } from "../malformed/cases.ts";

test("every malformed file has the reference's verdict, but for those that are listed with their reason", () => {
  expect(differingVerdicts(readVerdicts())).toEqual([]);
  expect(ON_PURPOSE.size).toBeLessThanOrEqual(5);
});

test("no two malformed files of a format have one title, and each list is whole", () => {
  const titles = MALFORMED_FILES.map(({ format, title }) => `${format} ${title}`);
  expect(new Set(titles).size).toBe(titles.length);
  const ids = new Set(titles.flatMap((title) => title.match(/\b[GS]-\d\d\b/g) ?? []));
  const numbers = (letter: string, last: number): string[] =>
    Array.from({ length: last }, (_, index) => `${letter}-${String(index + 1).padStart(2, "0")}`);
  // A million strings, ten million entries and endless arrays are tests of budgets, in test/formats/.
  const elsewhere = ["G-18", "G-46", "S-46"];
  expect([...numbers("G", 50), ...numbers("S", 50)].filter((id) => !ids.has(id))).toEqual(elsewhere);
});

test("docs/malformed.md says what the verdicts say (npm run generate)", () => {
  expect(readFileSync(MALFORMED_DOC, "utf8")).toBe(malformedDoc());
});
