import type { HubReference } from "./hub-reference.ts";
import { parseHubUri } from "./hub-reference.ts";

const HOSTS: readonly string[] = ["modelscope.cn", "www.modelscope.cn"];
/** What stands between a repo and a revision with a path: `/resolve/master/m.gguf`, `/file/view/master/m.gguf`. */
const FILE_PAGE = /^(?:resolve|file\/view)\/(.+)$/;
const REPO_PAGE = /^(?:summary|files|feedback)?\/?$/;

/** The repo a page of ModelScope shows, or the file of one; undefined for every other address. */
export function modelScopeUrl(url: URL): HubReference | undefined {
  if (!HOSTS.includes(url.hostname)) return undefined;
  const [, id, rest = ""] = /^\/models\/([^/]+\/[^/]+)(?:\/(.*))?$/.exec(url.pathname) ?? [];
  if (id === undefined) return undefined;
  if (REPO_PAGE.test(rest)) return parseHubUri(`modelscope://${id}`);
  const file = FILE_PAGE.exec(rest)?.[1];
  return file === undefined ? undefined : parseHubUri(`modelscope://${id}@${file}`);
}
