import { InspectError, isInspectError } from "../errors.ts";
import { firstReads } from "./first-read.ts";
import { fetchText } from "./http-text.ts";
import { resolveHub } from "./hub.ts";
import { HUB_HOSTS, parseRepoName } from "./hub-reference.ts";
import type { LocalOpener } from "./local-opener.ts";
import { MANIFEST_TYPES, readOllamaManifest } from "./ollama-manifest.ts";
import { type OllamaName, ollamaText } from "./ollama-name.ts";
import { remoteFile, targetAt } from "./remote-file.ts";
import type { ResolvedSource } from "./resolved.ts";
import type { Session } from "./session.ts";

/** A registry on this machine has no certificate: Docker's rule for insecure registries. */
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3})(?::\d+)?$/;

/**
 * A model by its Ollama name: from the store on this machine, else from its registry, which speaks the HTTP API of
 * container registries (v2). The hub's own names (`hf.co/owner/model:QUANT`) are read as the repo they are.
 */
export async function resolveOllama(
  session: Session,
  name: OllamaName,
  local: LocalOpener | undefined,
): Promise<ResolvedSource> {
  const stored = await local?.findOllama(name, session);
  if (stored !== undefined) return stored;
  const { host, namespace, model, tag } = name;
  if (HUB_HOSTS.includes(host)) {
    return resolveHub(session, parseRepoName(`${namespace}/${model}${tag === "latest" ? "" : `:${tag}`}`), local);
  }
  const id = ollamaText(name);
  if (session.options.offline) throw offline(id);
  const base = `${LOOPBACK.test(host) ? "http" : "https"}://${host}/v2/${namespace}/${model}`;
  const blobUrl = (sha256: string) => new URL(`${base}/blobs/sha256:${sha256}`);
  const readText = (url: URL, accept?: string) =>
    fetchText(session, targetAt(session, url, id, accept), "configBytes", undefined).then(({ text }) => text);
  const text = await readText(new URL(`${base}/manifests/${tag}`), MANIFEST_TYPES).catch((error: unknown) => {
    throw isInspectError(error, "not-found") ? absent(id, host, error) : error;
  });
  const found = await readOllamaManifest(text, {
    label: id,
    maxDepth: session.options.limits.jsonDepth,
    readBlob: (sha256) => readText(blobUrl(sha256)),
  });
  session.addFiles(1);
  const path = `sha256-${found.model.sha256}`;
  const file = {
    url: blobUrl(found.model.sha256),
    label: `${id}/${path.slice(0, 19)}`,
    path,
    index: 0,
    bytes: found.model.bytes,
  };
  const { projector } = found;
  return {
    kind: "ollama",
    id,
    format: "gguf",
    files: [remoteFile(session, firstReads("gguf", session.options.limits), file)],
    ...(projector !== undefined && {
      companions: [
        { role: "projector", path: `sha256-${projector.sha256}`, source: blobUrl(projector.sha256).href } as const,
      ],
    }),
    traffic: session.traffic,
    diagnostics: found.diagnostics,
  };
}

function absent(id: string, host: string, cause: InspectError): InspectError {
  return new InspectError(
    "repo-not-found",
    `There is no model ${id} on ${host}, nor in Ollama's store here. Check its name and tag.`,
    { ...cause.where, source: id },
    { cause },
  );
}

function offline(id: string): InspectError {
  return new InspectError(
    "offline",
    `${id} cannot be read offline: no store of Ollama's is named. Set options.ollamaDir, or leave the offline option out.`,
    { source: id },
  );
}
