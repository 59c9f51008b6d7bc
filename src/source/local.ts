import { resolvePath } from "./file-path.ts";
import { resolveCached } from "./hub-cache.ts";
import { findOllama } from "./local-ollama.ts";
import type { LocalOpener } from "./local-opener.ts";

/** This machine's disk. Only the entry for Node imports it. */
export const openLocal: LocalOpener = {
  find: resolvePath,
  findCached: (reference, session) => resolveCached(session, reference),
  findOllama,
};
