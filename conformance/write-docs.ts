import { writeFileSync } from "node:fs";
import { ACCURACY_DOC, accuracyDoc } from "./accuracy-doc.ts";
import { ARCHITECTURES_DOC, architecturesDoc } from "./architectures-doc.ts";
import { MALFORMED_DOC, malformedDoc } from "./malformed/malformed-doc.ts";

/** Writes the pages that follow from tables and golden numbers anew. */
writeFileSync(ARCHITECTURES_DOC, await architecturesDoc());
writeFileSync(ACCURACY_DOC, await accuracyDoc());
writeFileSync(MALFORMED_DOC, malformedDoc());
