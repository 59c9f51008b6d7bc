import { InspectError } from "../errors.ts";
import { blobSource } from "./blob.ts";
import type { ByteSource } from "./byte-source.ts";
import { countedSource } from "./caller-source.ts";
import { resolveCustom } from "./custom.ts";
import { resolveHttp } from "./http-set.ts";
import { resolveHub } from "./hub.ts";
import { parseRepoName, refuseOtherRepoKind, SUPPORTED_FORMS } from "./hub-reference.ts";
import type { LocalOpener } from "./local-opener.ts";
import { resolveModelScope } from "./modelscope.ts";
import { resolveOllama } from "./ollama.ts";
import { parseReference, parseUrl, type Reference } from "./reference.ts";
import type { ResolvedSource, SourceOptions } from "./resolved.ts";
import { type Session, startSession } from "./session.ts";

/**
 * Finds out what `input` means and which files belong to it; none of their headers is read yet. The rule for
 * strings is in docs/sources.md. `local` is absent in browsers, where a path is an error.
 */
export async function resolveSource(
  input: string | URL | Blob | ByteSource | readonly (Blob | ByteSource)[],
  options: SourceOptions,
  local: LocalOpener | undefined,
): Promise<ResolvedSource> {
  options.signal?.throwIfAborted();
  const session = startSession(options);
  if (typeof input === "string") return resolveReference(session, parseReference(input, options.endpoint), local);
  if (input instanceof URL) return resolveReference(session, parseUrl(input, options.endpoint), local);
  const sources: readonly unknown[] = Array.isArray(input) ? input : [input];
  const checked = sources.map((source) => {
    if (source instanceof Blob) return blobSource(session, source);
    if (isByteSource(source)) return countedSource(session, source);
    throw new InspectError(
      "invalid-source",
      "The source must be a string, URL, Blob or ByteSource (with size, label and read), or an array of Blobs or ByteSources.",
    );
  });
  const blobs = sources.length > 0 && sources.every((source) => source instanceof Blob);
  return resolveCustom(session, checked, blobs ? "blob" : "custom");
}

function isByteSource(value: unknown): value is ByteSource {
  if (typeof value !== "object" || value === null) return false;
  if (!("size" in value && "label" in value && "read" in value)) return false;
  const { size, label, read } = value;
  return Number.isSafeInteger(size) && Number(size) >= 0 && typeof label === "string" && typeof read === "function";
}

async function resolveReference(
  session: Session,
  meant: Reference,
  local: LocalOpener | undefined,
): Promise<ResolvedSource> {
  if (meant.kind === "http") return resolveHttp(session, meant.url);
  if (meant.kind === "hub") return resolveHub(session, meant.reference, local);
  if (meant.kind === "ollama") return resolveOllama(session, meant.name, local);
  if (meant.kind === "modelscope") return resolveModelScope(session, meant.reference);
  if (meant.kind === "path-or-hub") {
    const found = await local?.find(meant.text, session);
    return found ?? resolveHub(session, parseRepoName(meant.text), local);
  }
  if (local === undefined) {
    throw new InspectError(
      "invalid-source",
      `${meant.path} is a path, and there is no file system here. Pass a File or Blob instead. ${SUPPORTED_FORMS}`,
    );
  }
  const found = await local.find(meant.path, session);
  if (found !== undefined) return found;
  refuseOtherRepoKind(meant.path, meant.path);
  throw new InspectError(
    "not-found",
    `There is no file or directory ${meant.path}. It was not looked up on the hub, since it can only be a path; for a file in a repo write hf://org/name/path.`,
    { source: meant.path },
  );
}
