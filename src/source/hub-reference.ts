import { InspectError } from "../errors.ts";
import { encodePath, requireRelativePath } from "./safe-path.ts";

/** A model repo on a hub, and what of it is meant. */
export type HubReference = {
  /** `org/name`, or `name` for the few old repos without an owner. */
  readonly id: string;
  readonly revision?: string;
  /** Quantization selector (`Q4_K_M`) or a full GGUF file name. */
  readonly quant?: string;
  /** A file or folder inside the repo. */
  readonly path?: string;
};

export const SUPPORTED_FORMS: string =
  "Supported are a file, a directory, a *.index.json, an http(s) URL, org/name, org/name@revision, org/name:QUANT, hf://org/name[@revision][/path], ollama://model:tag and modelscope://org/name.";

/** The public hub, under the names people paste. A configured endpoint is a hub too. */
export const HUB_HOSTS: readonly string[] = ["huggingface.co", "www.huggingface.co", "hf.co", "hub-ci.huggingface.co"];
/** First path segments of the hub's site that are no owner of models. */
const SITE_ROUTES: readonly string[] = [
  ..."api blog collections docs join learn login models new organizations papers posts pricing settings tasks".split(
    " ",
  ),
];
const OTHER_REPO_KINDS: readonly string[] = ["datasets", "spaces", "buckets", "kernels"];
const FILE_VERBS: readonly string[] = ["blob", "resolve", "raw", "blame"];

// huggingface_hub ee0a451 utils/_validators.py REPO_ID_REGEX, plus its rules on `--`, `..` and `.git`.
const ID_PART = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?$/;

const QUANT = /^[\w. -]{1,200}$/;

/** Why `id` cannot be a repo id, or undefined when it can. */
export function repoIdProblem(id: string): string | undefined {
  const parts = id.split("/");
  if (parts.length > 2) return "has more than one /";
  if (parts.some((part) => !ID_PART.test(part))) {
    return "may hold letters, digits, _ . and - only, must not begin or end with . or -, and no part may be empty or over 96 characters";
  }
  if (id.includes("--") || id.includes("..")) return "must not contain -- or ..";
  if (id.endsWith(".git")) return "must not end with .git";
  return undefined;
}

function checked(text: string, reference: HubReference): HubReference {
  const { id, revision, quant, path } = reference;
  refuseOtherRepoKind(text, id);
  const problem = repoIdProblem(id);
  if (problem !== undefined) throw invalid(text, `is not a repo id: ${JSON.stringify(id)} ${problem}`);
  if (revision !== undefined && !isRevision(revision))
    throw invalid(text, "names an empty or malformed revision after @");
  if (quant !== undefined && !QUANT.test(quant)) throw invalid(text, "names no quantization or file after the :");
  if (path !== undefined) requireRelativePath(path, text);
  return reference;
}

/** Throws `invalid-source` for an `id` that reads like one of the hub's datasets or spaces: `datasets/org/name`. */
export function refuseOtherRepoKind(text: string, id: string): void {
  const [kind = ""] = id.split("/", 1);
  if (!OTHER_REPO_KINDS.includes(kind)) return;
  throw invalid(text, `names one of the hub's ${kind}, and only model repos can be weighed`);
}

/** Git's own rules for ref names, as far as they matter in a URL or path. */
export function isRevision(revision: string): boolean {
  if (revision === "" || revision.includes("..") || /^\/|\/$|\/\/|[\s\\?#:~^*[]/.test(revision)) return false;
  return [...revision].every((char) => char >= " " && char !== "\x7f");
}

function invalid(text: string, what: string): InspectError {
  return new InspectError("invalid-source", `${JSON.stringify(text.slice(0, 200))} ${what}. ${SUPPORTED_FORMS}`);
}

/** `org/name`, `name`, with `:QUANT` and `@revision` in this order. Throws `invalid-source` for anything else. */
export function parseRepoName(text: string): HubReference {
  const at = text.indexOf("@");
  const left = at < 0 ? text : text.slice(0, at);
  const colon = left.indexOf(":");
  return checked(text, {
    id: colon < 0 ? left : left.slice(0, colon),
    ...(at >= 0 && { revision: text.slice(at + 1) }),
    ...(colon >= 0 && { quant: left.slice(colon + 1) }),
  });
}

/** A file of a repo at a commit, as a string that means it. */
export function hubFile(id: string, commit: string | undefined, path: string): string {
  return `hf://${id}${commit === undefined ? "" : `@${commit}`}/${encodePath(path)}`;
}

/**
 * `hf://[models/]org/name[:QUANT][@revision][/path]`, as huggingface_hub's `_hf_uris.py` reads it; `modelscope://`
 * likewise.
 */
export function parseHubUri(text: string): HubReference {
  const scheme = text.slice(0, text.indexOf("://") + 3);
  const rest = text.slice(scheme.length).replace(/^models\//, "");
  if (rest.startsWith("model/")) throw invalid(text, `begins with model/, where ${scheme} wants models/ or nothing`);
  const [owner = "", second, ...tail] = rest.split("/");
  if (OTHER_REPO_KINDS.includes(owner)) return checked(text, { id: owner });
  if (second === undefined) throw invalid(text, `lacks the owner: ${scheme} wants org/name`);
  const at = second.indexOf("@");
  const name = parseRepoName(at < 0 ? `${owner}/${second}` : `${owner}/${second.slice(0, at)}`);
  const { revision, path } =
    at < 0 ? { revision: undefined, path: tail } : takeRevision([second.slice(at + 1), ...tail]);
  return checked(text, {
    ...name,
    ...(revision !== undefined && { revision }),
    ...(path.length > 0 && path.join("/") !== "" && { path: decode(text, path.join("/")).replace(/\/$/, "") }),
  });
}

/** `refs/pr/1` and `refs/convert/x` take three segments; any other revision one, its slashes escaped. */
function takeRevision(segments: readonly string[]): { revision: string; path: string[] } {
  const special = segments[0] === "refs" && (segments[1] === "pr" || segments[1] === "convert") && segments.length > 2;
  const count = special ? 3 : 1;
  const revision = segments.slice(0, count).join("/");
  return { revision: decode(revision, revision), path: segments.slice(count) };
}

function decode(text: string, escaped: string): string {
  try {
    return decodeURIComponent(escaped);
  } catch {
    throw invalid(text, "has a % that begins no escape");
  }
}

/** The URL of an address pasted without its scheme, when it begins with the name of a hub's host. */
export function hubHostUrl(text: string, endpoint: string): string | undefined {
  const host = text.slice(0, Math.max(0, text.indexOf("/"))).toLowerCase();
  const own = new URL(endpoint);
  if (HUB_HOSTS.includes(host)) return `https://${text}`;
  // A host of one word may as well be the owner of a repo.
  return host === own.host && /[.:]/.test(host) ? `${own.protocol}//${text}` : undefined;
}

/** Whether a URL points at the public hub or at the configured endpoint. */
export function isHubUrl(url: URL, endpoint: string): boolean {
  if (HUB_HOSTS.includes(url.hostname)) return true;
  const base = new URL(endpoint);
  return url.origin === base.origin && `${url.pathname}/`.startsWith(`${base.pathname.replace(/\/$/, "")}/`);
}

/** A page or file URL of a hub: `/org/name`, `/tree/…`, `/blob/…`, `/resolve/…`, `/raw/…`. Query and hash are ignored. */
export function parseHubUrl(url: URL, endpoint: string): HubReference {
  const text = `${url.origin}${url.pathname}`;
  const base = new URL(endpoint);
  const prefix = url.origin === base.origin ? base.pathname.replace(/\/$/, "") : "";
  const segments = url.pathname
    .slice(prefix.length)
    .replace(/^\/+|\/+$/g, "")
    .split("/");
  const [first = "", second] = segments;
  if (OTHER_REPO_KINDS.includes(first)) return checked(text, { id: first });
  if (first === "" || SITE_ROUTES.includes(first)) throw invalid(text, "is a page of the hub's site, not a model repo");
  const canonical = second === undefined || second === "tree" || FILE_VERBS.includes(second);
  const idLength = canonical ? 1 : 2;
  const name = parseRepoName(decode(text, segments.slice(0, idLength).join("/")));
  const [verb, ...rest] = segments.slice(idLength);
  if (verb === undefined) return checked(text, name);
  const isFile = FILE_VERBS.includes(verb);
  if ((verb !== "tree" && !isFile) || rest.length === 0) {
    throw invalid(text, "is not a page of a repo that leads to weights: use its address, a /tree/ or a /blob/ address");
  }
  const { revision, path } = takeRevision(rest);
  if (isFile && path.length === 0) throw invalid(text, `names no file after /${verb}/`);
  return checked(text, { ...name, revision, ...(path.length > 0 && { path: decode(text, path.join("/")) }) });
}
