import { InspectError } from "../errors.ts";
import { type HubReference, hubHostUrl, isHubUrl, parseHubUri, parseHubUrl, SUPPORTED_FORMS } from "./hub-reference.ts";
import { modelScopeUrl } from "./modelscope-url.ts";
import { type OllamaName, parseOllamaName } from "./ollama-name.ts";

/** What a string says it is, before anything is looked up. */
export type Reference =
  | { readonly kind: "hub"; readonly reference: HubReference }
  | { readonly kind: "modelscope"; readonly reference: HubReference }
  | { readonly kind: "ollama"; readonly name: OllamaName }
  | { readonly kind: "http"; readonly url: URL }
  | { readonly kind: "path"; readonly path: string }
  /** Could be either: an existing path wins, else it is read as a repo id. */
  | { readonly kind: "path-or-hub"; readonly text: string };

const SCHEME = /^([a-z][a-z0-9+.-]*):\/\//i;
const PATH_START = /^(?:\.{0,2}\/|\.{1,2}$|\.{0,2}\\|~|[A-Za-z]:[\\/])/;
const FILE_ENDING = /\.(?:gguf|safetensors|json|bin|pt|pth|ckpt)$/i;
/** `org/name:file.gguf`: a file name as the tag, as Ollama takes it. One letter before the colon is a drive. */
const FILE_AS_TAG = /^[^:@\\]{2,}:[^:/\\]+$/;

/**
 * Reads a source string by the rule of docs/sources.md: a scheme decides; then what can only be a path is one;
 * the rest may be a path that exists or a repo id.
 */
export function parseReference(text: string, endpoint: string): Reference {
  if (text.trim() === "" || text.includes("\0")) {
    throw new InspectError("invalid-source", `The source is empty or holds a NUL character. ${SUPPORTED_FORMS}`);
  }
  const scheme = SCHEME.exec(text)?.[1]?.toLowerCase();
  const own = scheme === undefined ? undefined : parseOwnScheme(scheme, text.slice(scheme.length + 3));
  if (own !== undefined) return own;
  if (scheme !== undefined) return parseUrl(asUrl(text), endpoint);
  const hubAddress = hubHostUrl(text, endpoint);
  if (hubAddress !== undefined) return parseUrl(asUrl(hubAddress), endpoint);
  if (PATH_START.test(text)) return { kind: "path", path: text };
  if (FILE_ENDING.test(text) && !FILE_AS_TAG.test(text)) return { kind: "path", path: text };
  const [id = ""] = text.split(/[:@]/, 1);
  if (id.includes("\\") || id.split("/").length > 2) return { kind: "path", path: text };
  return { kind: "path-or-hub", text };
}

/** The schemes that are no addresses. They are not parsed as URLs, where `:8b` after a name would be a port. */
function parseOwnScheme(scheme: string, rest: string): Reference | undefined {
  if (scheme === "hf") return { kind: "hub", reference: parseHubUri(`hf://${rest}`) };
  if (scheme === "ollama") return { kind: "ollama", name: parseOllamaName(rest) };
  if (scheme === "modelscope") return { kind: "modelscope", reference: parseHubUri(`modelscope://${rest}`) };
  return undefined;
}

/** Reads a URL: a hub's page, a plain http(s) file, or a local file. */
export function parseUrl(url: URL, endpoint: string): Reference {
  if (url.protocol === "file:") return { kind: "path", path: url.href };
  const scheme = url.protocol.slice(0, -1);
  const own = parseOwnScheme(scheme, url.href.slice(scheme.length + 3));
  if (own !== undefined) return own;
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new InspectError(
      "invalid-source",
      `${url.protocol}// is not a supported kind of address. ${SUPPORTED_FORMS}`,
    );
  }
  if (url.username !== "" || url.password !== "") {
    throw new InspectError(
      "invalid-source",
      `The address on ${url.host} carries a user name or password. Those are not sent. Download the file first; a program may pass a fetch that sends them.`,
    );
  }
  if (isHubUrl(url, endpoint)) return { kind: "hub", reference: parseHubUrl(url, endpoint) };
  const modelScope = modelScopeUrl(url);
  return modelScope === undefined ? { kind: "http", url } : { kind: "modelscope", reference: modelScope };
}

function asUrl(text: string): URL {
  try {
    return new URL(text);
  } catch (cause) {
    throw new InspectError("invalid-source", `The address is not a valid URL. ${SUPPORTED_FORMS}`, {}, { cause });
  }
}
