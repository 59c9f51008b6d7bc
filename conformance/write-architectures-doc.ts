import { writeFileSync } from "node:fs";
import { ARCHITECTURES_DOC, architecturesDoc } from "./architectures-doc.ts";

/** Writes `docs/architectures.md` anew. */
writeFileSync(ARCHITECTURES_DOC, await architecturesDoc());
