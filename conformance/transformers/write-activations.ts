import { writeFileSync } from "node:fs";
import { ACTIVATIONS_PATH, activationText, askActivations } from "./activation-golden.ts";

/** Writes `golden/activations.json` anew from what PyTorch had alive: about three minutes. */
const golden = askActivations();
writeFileSync(ACTIVATIONS_PATH, activationText(golden));
console.log(`${golden.rows.length} models, ${golden.rows.reduce((sum, { runs }) => sum + runs.length, 0)} runs`);
