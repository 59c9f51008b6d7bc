import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ARCHITECTURES_DOC, architecturesDoc } from "./architectures-doc.ts";
import { ROOT } from "./paths.ts";
import { LLAMA_CPP_PROVEN, TRANSFORMERS_PROVEN } from "./proven-lists.ts";

/** Writes what follows from the tables and the golden numbers: the lists of what is proven, `docs/architectures.md`. */
for (const { path, text } of [LLAMA_CPP_PROVEN, TRANSFORMERS_PROVEN]) writeFileSync(join(ROOT, path), await text());
writeFileSync(ARCHITECTURES_DOC, await architecturesDoc());
