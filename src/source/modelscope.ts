import { type LooseJson, parseLooseJson } from "../bytes/loose-json.ts";
import { InspectError, isInspectError } from "../errors.ts";
import { firstReads } from "./first-read.ts";
import { fetchText } from "./http-text.ts";
import { chosenRevision } from "./hub.ts";
import type { HubReference } from "./hub-reference.ts";
import { chooseModelFiles, type ListedFile } from "./model-files.ts";
import { folderOf } from "./path-parts.ts";
import { remoteFile, targetAt } from "./remote-file.ts";
import type { ResolvedSource, SidecarText } from "./resolved.ts";
import { encodePath, requireRelativePath } from "./safe-path.ts";
import type { Session } from "./session.ts";

// modelscope/modelscope hub/api.py get_model_files and hub/file_download.py get_file_download_url.
const API = "https://www.modelscope.cn/api/v1/models";
const DEFAULT_REVISION = "master";

/** A repo of ModelScope: one request lists it, the files are read through its file API. No token is sent. */
export async function resolveModelScope(session: Session, reference: HubReference): Promise<ResolvedSource> {
  const { id } = reference;
  const { offline, limits } = session.options;
  if (offline) {
    throw new InspectError("offline", `${id} of ModelScope cannot be read offline. Name a downloaded copy instead.`, {
      source: id,
    });
  }
  const revision = chosenRevision(session, reference, DEFAULT_REVISION);
  const files = await listFiles(session, id, revision);
  const readText = (path: string, limitName: "configBytes" | "indexBytes") =>
    fetchText(session, targetAt(session, fileUrl(id, revision, path), `${id}/${path}`), limitName, undefined).then(
      ({ text }) => text,
    );
  const chosen = await chooseModelFiles(
    { label: id, files, indexIsCheap: false, limits, readIndex: (path) => readText(path, "indexBytes") },
    reference,
  );
  for (const path of chosen.paths) requireRelativePath(path, id);
  session.addFiles(chosen.paths.length);
  const { format } = chosen;
  const reads = firstReads(format, limits);
  const config = format === "safetensors" ? await readConfig(files, chosen.paths[0] ?? "", readText) : undefined;
  return {
    kind: "modelscope",
    id,
    revision,
    format,
    files: chosen.paths.map((path, index) =>
      remoteFile(session, reads, {
        url: fileUrl(id, revision, path),
        label: `${id}/${path}`,
        path,
        index,
        bytes: files.find((file) => file.path === path)?.bytes,
      }),
    ),
    ...(config !== undefined && { config }),
    ...(chosen.index !== undefined && { index: chosen.index }),
    ...(chosen.companions !== undefined && {
      companions: chosen.companions.map((companion) => ({
        ...companion,
        source: `modelscope://${id}@${encodeURIComponent(revision)}/${encodePath(companion.path)}`,
      })),
    }),
    traffic: session.traffic,
    diagnostics: chosen.diagnostics,
  };
}

function fileUrl(id: string, revision: string, path: string): URL {
  const query = new URLSearchParams({ Revision: revision, FilePath: path });
  return new URL(`${API}/${id}/repo?${query}`);
}

async function listFiles(session: Session, id: string, revision: string): Promise<ListedFile[]> {
  const url = new URL(`${API}/${id}/repo/files?${new URLSearchParams({ Revision: revision, Recursive: "True" })}`);
  const { text } = await fetchText(session, targetAt(session, url, id), "indexBytes", undefined).catch(
    (error: unknown) => {
      const isAbsent = ["not-found", "unauthorized", "forbidden"].some(
        (code) => isInspectError(error) && error.code === code,
      );
      throw isAbsent ? absent(id, revision, "", error) : error;
    },
  );
  const answer = parseLooseJson(text, { label: id, maxDepth: session.options.limits.jsonDepth });
  const entries = fieldOf(fieldOf(answer, "Data"), "Files");
  if (!Array.isArray(entries)) {
    const said = fieldOf(answer, "Message");
    throw absent(id, revision, typeof said === "string" ? said.slice(0, 200) : "", undefined);
  }
  return entries.flatMap(listedFile);
}

function listedFile(entry: LooseJson): ListedFile[] {
  const [path, bytes] = [fieldOf(entry, "Path"), fieldOf(entry, "Size")];
  if (typeof path !== "string" || fieldOf(entry, "Type") === "tree") return [];
  return [typeof bytes === "number" && Number.isSafeInteger(bytes) && bytes >= 0 ? { path, bytes } : { path }];
}

function fieldOf(value: LooseJson | undefined, key: string): LooseJson | undefined {
  return value instanceof Map ? value.get(key) : undefined;
}

function absent(id: string, revision: string, said: string, cause: unknown): InspectError {
  return new InspectError(
    "repo-not-found",
    `ModelScope gives no list of ${id} at ${revision}: it does not exist, or is private. Check the spelling.${said === "" ? "" : ` It says: ${said}`}`,
    { ...(isInspectError(cause) && cause.where), source: id },
    { cause },
  );
}

async function readConfig(
  files: readonly ListedFile[],
  weightPath: string,
  readText: (path: string, limitName: "configBytes") => Promise<string>,
): Promise<SidecarText | undefined> {
  const names = [`${folderOf(weightPath)}config.json`, "config.json"];
  const path = names.find((name) => files.some((file) => file.path === name));
  return path === undefined ? undefined : { path, text: await readText(path, "configBytes") };
}
