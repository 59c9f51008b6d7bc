import { stat } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { InspectError } from "../errors.ts";
import { resolveFolder } from "./directory.ts";
import { openFile, openWeightFile } from "./file.ts";
import { fileError } from "./file-error.ts";
import { modelFolder } from "./hub-cache.ts";
import { resolveOllamaPath } from "./local-ollama.ts";
import { formatByName, isPickle, pickleError } from "./model-files.ts";
import type { ResolvedSource } from "./resolved.ts";
import type { Session } from "./session.ts";
import { sniffFormat } from "./sniff-format.ts";

type Kind = "file" | "directory";

/** The model at a path, `~/…` or `file:` URL, or `directory:QUANT`; undefined when nothing is there. */
export async function resolvePath(given: string, session: Session): Promise<ResolvedSource | undefined> {
  const path = plainPath(given);
  const kind = await kindOf(path);
  if (kind === "directory") return resolveDirectory(session, path, undefined);
  if (kind === "file") return resolveFile(session, path);
  const colon = path.lastIndexOf(":");
  const [before, quant] = [path.slice(0, colon), path.slice(colon + 1)];
  if (colon > 1 && /^[^\\/]+$/.test(quant) && (await kindOf(before)) === "directory") {
    return resolveDirectory(session, before, quant);
  }
  return undefined;
}

function plainPath(given: string): string {
  if (given.startsWith("file:")) {
    try {
      return fileURLToPath(given);
    } catch (cause) {
      throw new InspectError("invalid-source", `${given} names no file on this machine.`, {}, { cause });
    }
  }
  return given === "~" || given.startsWith("~/") ? join(homedir(), given.slice(1)) : given;
}

async function kindOf(path: string): Promise<Kind | undefined> {
  try {
    return (await stat(path)).isDirectory() ? "directory" : "file";
  } catch (cause) {
    const error = fileError(path, cause);
    if (error.code === "not-found") return undefined;
    throw error;
  }
}

async function resolveDirectory(session: Session, path: string, quant: string | undefined): Promise<ResolvedSource> {
  const { folder, revision, commit } = await modelFolder(path);
  return resolveFolder(session, folder, quant === undefined ? {} : { quant }, {
    kind: "directory",
    id: path,
    ...(revision !== undefined && { revision }),
    ...(commit !== undefined && { commit }),
  });
}

/** A file with its siblings and texts, when its name tells a format; else the file alone, told by its first bytes. */
async function resolveFile(session: Session, path: string): Promise<ResolvedSource> {
  const name = basename(path);
  if (isPickle(name)) throw pickleError(name, dirname(path));
  if (formatByName(name) !== undefined || name.toLowerCase().endsWith(".json")) {
    // Refuses pipes and devices before the folder is looked at.
    await (await openFile(session, path, name)).close?.();
    const { folder } = await modelFolder(dirname(path));
    return resolveFolder(session, { ...folder, depth: 0 }, { path: name }, { kind: "file", id: path });
  }
  const stored = await resolveOllamaPath(session, path);
  if (stored !== undefined) return stored;
  const source = await openFile(session, path, name);
  try {
    const format = await sniffFormat(source);
    const file = { path: name, open: (signal?: AbortSignal) => openWeightFile(session, path, name, signal) };
    session.addFiles(1);
    return { kind: "file", id: path, format, files: [file], traffic: session.traffic, diagnostics: [] };
  } finally {
    await source.close?.();
  }
}
