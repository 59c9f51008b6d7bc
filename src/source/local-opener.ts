import type { HubReference } from "./hub-reference.ts";
import type { OllamaName } from "./ollama-name.ts";
import type { ResolvedSource } from "./resolved.ts";
import type { Session } from "./session.ts";

/** Finds models on this machine's disk. Browsers have none. */
export interface LocalOpener {
  /** The model at a path or `file:` URL; undefined when nothing is there. */
  find(path: string, session: Session): Promise<ResolvedSource | undefined>;
  /** The model in `options.cacheDir`; throws `offline`, naming what is missing. */
  findCached(reference: HubReference, session: Session): Promise<ResolvedSource>;
  /** The model in `options.ollamaDir`; undefined when it is not there, or `offline`, naming what is. */
  findOllama(name: OllamaName, session: Session): Promise<ResolvedSource | undefined>;
}
