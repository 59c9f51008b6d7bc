import { InspectError } from "../errors.ts";

/** A model as Ollama names it, with its defaults filled in. */
export type OllamaName = {
  /** Host of the registry, with its port. */
  readonly host: string;
  readonly namespace: string;
  readonly model: string;
  readonly tag: string;
};

// ollama/ollama types/model/name.go: [host/][namespace/]model[:tag], and what fills the gaps.
const DEFAULTS = { host: "registry.ollama.ai", namespace: "library", tag: "latest" } as const;
const HOST = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?(?::\d{1,5})?$/;
const NAMESPACE = /^[A-Za-z0-9_][A-Za-z0-9_-]{0,79}$/;
const PART = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}$/;

/** `[host/][namespace/]model[:tag]`. Throws `invalid-source` for anything else. */
export function parseOllamaName(text: string): OllamaName {
  const segments = text.split("/");
  const [model = "", tag, ...more] = (segments.pop() ?? "").split(":");
  const namespace = segments.pop() ?? DEFAULTS.namespace;
  const host = segments.pop() ?? DEFAULTS.host;
  const name: OllamaName = { host: host.toLowerCase(), namespace, model, tag: tag ?? DEFAULTS.tag };
  if (more.length > 0 || segments.length > 0) throw invalid(text, "has too many parts");
  if (text.includes("..")) throw invalid(text, "holds ..");
  if (!HOST.test(host)) throw invalid(text, `has no host before its first /: ${JSON.stringify(host.slice(0, 100))}`);
  for (const [what, part, rule] of [
    ["namespace", namespace, NAMESPACE],
    ["model", model, PART],
    ["tag", name.tag, PART],
  ] as const) {
    if (rule.test(part)) continue;
    throw invalid(text, `has no valid ${what}: ${JSON.stringify(part.slice(0, 100))}`);
  }
  return name;
}

/** The name as Ollama shows it: without what it fills in by itself. */
export function ollamaText({ host, namespace, model, tag }: OllamaName): string {
  const isDefaultHost = host === DEFAULTS.host;
  const owner = isDefaultHost && namespace === DEFAULTS.namespace ? "" : `${namespace}/`;
  return `${isDefaultHost ? "" : `${host}/`}${owner}${model}:${tag}`;
}

function invalid(text: string, what: string): InspectError {
  return new InspectError(
    "invalid-source",
    `ollama://${text.slice(0, 200)} ${what}. Ollama names are ollama://model:tag, ollama://owner/model:tag and ollama://host/owner/model:tag.`,
  );
}
