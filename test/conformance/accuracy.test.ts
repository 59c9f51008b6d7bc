import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ACCURACY_DOC, accuracyDoc } from "../../conformance/accuracy-doc.ts";

test("docs/accuracy.md says what the golden numbers say (npm run generate)", async () => {
  expect(readFileSync(ACCURACY_DOC, "utf8")).toBe(await accuracyDoc());
}, 60_000);
