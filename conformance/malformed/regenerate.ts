import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { askReferences, missingReferences, VERDICTS_PATH, verdictsText } from "./verdicts.ts";

/** Writes the verdicts of the reference readers anew. */
const missing = missingReferences();
if (missing === undefined) {
  mkdirSync(dirname(VERDICTS_PATH), { recursive: true });
  writeFileSync(VERDICTS_PATH, verdictsText(askReferences()));
} else console.log(`left as it is: ${missing}`);
