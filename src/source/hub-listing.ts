import { parseLooseJson } from "../bytes/loose-json.ts";
import { InspectError } from "../errors.ts";
import type { HttpTarget } from "./http-request.ts";
import { fetchText } from "./http-text.ts";
import { type HubReference, repoIdProblem } from "./hub-reference.ts";
import type { ListedFile } from "./model-files.ts";
import type { Session } from "./session.ts";

/** What a hub says of a repo at one revision. */
export type HubListing = {
  /** The repo's present name: a renamed repo answers under its new one. */
  readonly id: string;
  readonly revision: string;
  /** 40 hex digits; every file is read at it. */
  readonly commit: string;
  readonly files: readonly ListedFile[];
  /** What it says of the weights, when it does: the information of a gated repo is open where its files are not. */
  readonly claim: string | undefined;
};

/** From this many files on the hub may cut `siblings` short (huggingface_hub VERY_LARGE_REPO_THRESHOLD). */
const UNRELIABLE_SIBLINGS = 50_000;
const MAX_PAGES = 1_000;

type Json = ReturnType<typeof parseLooseJson>;

/**
 * Commit and file list with sizes by one request (docs/decisions/0001-hub-client.md). Only a listing too long for
 * it is fetched page by page.
 */
export async function listHubRepo(session: Session, reference: HubReference, revision: string): Promise<HubListing> {
  const path = `/api/models/${reference.id}/revision/${encodeURIComponent(revision)}?blobs=true`;
  const label = revision === "main" ? reference.id : `${reference.id}@${revision}`;
  const info = await fetchJson(session, hubTarget(session, path, label));
  const sha = info.value instanceof Map ? info.value.get("sha") : undefined;
  if (!(info.value instanceof Map) || typeof sha !== "string" || !/^[0-9a-f]{40}$/.test(sha)) {
    throw new InspectError(
      "invalid-json",
      `The answer about ${label} names no commit. Is options.endpoint (${new URL(session.options.endpoint).origin}) a Hugging Face Hub?`,
      { source: label },
    );
  }
  const id = info.value.get("id") ?? reference.id;
  if (typeof id !== "string" || repoIdProblem(id) !== undefined) {
    throw new InspectError("invalid-json", `The answer about ${label} names it by no repo id. Try again later.`, {
      source: label,
    });
  }
  const siblings = info.value.get("siblings");
  const isWhole = Array.isArray(siblings) && siblings.length < UNRELIABLE_SIBLINGS;
  const files = isWhole ? listedFiles(siblings, "rfilename") : await listTree(session, id, sha);
  return { id, revision, commit: sha, files, claim: claimOf(info.value) };
}

/** Parameters as the hub counted them: a claim to quote, never a figure to reckon with. */
function claimOf(info: ReadonlyMap<string, Json>): string | undefined {
  for (const format of ["safetensors", "gguf"]) {
    const block = info.get(format);
    const total = block instanceof Map ? block.get("total") : undefined;
    if (typeof total !== "number" || !Number.isSafeInteger(total) || total <= 0) continue;
    return `The hub counts ${total.toLocaleString("en-US")} parameters in its ${format} files`;
  }
  return undefined;
}

/** A request to the endpoint; `path` starts with a slash and is already encoded. */
export function hubTarget(session: Session, path: string, label: string): HttpTarget {
  const { endpoint, limits } = session.options;
  return { url: new URL(`${endpoint}${path}`), label, hub: true, budget: { left: limits.requestsPerFile } };
}

async function listTree(session: Session, id: string, commit: string): Promise<ListedFile[]> {
  const files: ListedFile[] = [];
  let path: string | undefined = `/api/models/${id}/tree/${commit}?recursive=true`;
  const asked = new Set<string>();
  while (path !== undefined) {
    if (asked.has(path) || asked.size >= MAX_PAGES) {
      const what = asked.has(path) ? "comes back to a page it has given" : `has more than ${MAX_PAGES} pages`;
      throw new InspectError("invalid-json", `The listing of ${id} ${what}. Try again later.`, { source: id });
    }
    asked.add(path);
    const { value, headers }: FetchedJson = await fetchJson(session, hubTarget(session, path, id));
    files.push(...listedFiles(Array.isArray(value) ? value : [], "path"));
    path = nextPage(headers, session.options.endpoint);
  }
  return files;
}

/**
 * `Link: <…>; rel="next"`, asked of the endpoint whatever host it names: mirrors pass on the public hub's, and the
 * token must not follow it.
 */
function nextPage(headers: Headers, endpoint: string): string | undefined {
  const next = /<([^>]{1,4000})>;\s*rel="?next"?/.exec(headers.get("link") ?? "")?.[1];
  if (next === undefined || !URL.canParse(next, endpoint)) return undefined;
  const { pathname, search } = new URL(next, endpoint);
  const api = pathname.indexOf("/api/models/");
  return api < 0 ? undefined : `${pathname.slice(api)}${search}`;
}

type FetchedJson = { readonly value: Json; readonly headers: Headers };

async function fetchJson(session: Session, target: HttpTarget): Promise<FetchedJson> {
  const { text, headers } = await fetchText(session, target, "indexBytes", undefined);
  const value = parseLooseJson(text, { label: target.label, maxDepth: session.options.limits.jsonDepth });
  return { value, headers };
}

function listedFiles(entries: readonly Json[], pathKey: string): ListedFile[] {
  const files: ListedFile[] = [];
  for (const entry of entries) {
    if (!(entry instanceof Map) || entry.get("type") === "directory") continue;
    const [path, size] = [entry.get(pathKey), entry.get("size")];
    if (typeof path !== "string") continue;
    files.push(Number.isSafeInteger(size) && typeof size === "number" && size >= 0 ? { path, bytes: size } : { path });
  }
  return files;
}
