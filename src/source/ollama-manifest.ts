import { type LooseJson, parseLooseJson } from "../bytes/loose-json.ts";
import type { Diagnostic } from "../diagnostics.ts";
import { InspectError } from "../errors.ts";

/** A blob of a model: 64 hex digits of SHA-256, and its size. */
export type OllamaBlob = { readonly sha256: string; readonly bytes: number };

/** What of an Ollama model is weighed. */
export type OllamaFiles = {
  readonly model: OllamaBlob;
  readonly projector?: OllamaBlob;
  readonly diagnostics: readonly Diagnostic[];
};

/** Where a manifest comes from. */
export type ManifestSource = {
  readonly label: string;
  readonly maxDepth: number;
  /** The text of another blob of the store: a list names its manifests so. */
  readBlob(sha256: string): Promise<string>;
};

// ollama/ollama manifest/manifest.go and server/images.go.
const LIST_TYPE = "application/vnd.ollama.manifest.list.v2+json";
const LAYER_TYPE = "application/vnd.ollama.image.";
/** The runners that read GGUF, in Ollama's order. */
const RUNNERS: readonly string[] = ["ollama", "llamacpp"];
const DIGEST = /^sha256[:-]([0-9a-f]{64})$/i;

/** What a registry is asked for. */
export const MANIFEST_TYPES: string = `application/vnd.docker.distribution.manifest.v2+json, ${LIST_TYPE}`;

/** Reads a manifest, or the one for GGUF in a list of them: which blobs are the model and its projector. */
export async function readOllamaManifest(text: string, source: ManifestSource): Promise<OllamaFiles> {
  const manifest = await ggufManifest(parsed(text, source), source);
  const layers = new Map<string, OllamaBlob[]>();
  for (const layer of listOf(manifest, "layers")) {
    const type = stringOf(layer, "mediaType") ?? "";
    if (!type.startsWith(LAYER_TYPE)) continue;
    const kind = type.slice(LAYER_TYPE.length);
    layers.set(kind, [...(layers.get(kind) ?? []), blobOf(layer, source)]);
  }
  const [model, ...others] = layers.get("model") ?? [];
  if (model === undefined) throw noWeights(source, layers.has("tensor"));
  if (others.length > 0) {
    throw noModel(source, `has ${others.length + 1} files of weights where Ollama has one. Pull it again`);
  }
  const [projector] = layers.get("projector") ?? [];
  const adapters = layers.get("adapter")?.length ?? 0;
  const message = `${adapters} adapter${adapters === 1 ? "" : "s"} (LoRA) of ${source.label} are loaded with it and not weighed.`;
  return {
    model,
    ...(projector !== undefined && { projector }),
    diagnostics: adapters === 0 ? [] : [{ code: "not-counted", message, where: source.label }],
  };
}

async function ggufManifest(manifest: LooseJson, source: ManifestSource): Promise<LooseJson> {
  if (stringOf(manifest, "mediaType") !== LIST_TYPE) return manifest;
  const children = listOf(manifest, "manifests");
  const child = RUNNERS.map((runner) =>
    children.find((each) => stringOf(each, "runner")?.toLowerCase() === runner),
  ).find((each) => each !== undefined);
  if (child === undefined) throw noWeights(source, true);
  if (child instanceof Map && child.has("layers")) return child;
  return parsed(await source.readBlob(sha256Of(child, source)), source);
}

function parsed(text: string, { label, maxDepth }: ManifestSource): LooseJson {
  return parseLooseJson(text, { label, maxDepth });
}

function blobOf(layer: LooseJson, source: ManifestSource): OllamaBlob {
  const bytes = layer instanceof Map ? layer.get("size") : undefined;
  if (typeof bytes !== "number" || !Number.isSafeInteger(bytes) || bytes < 0) {
    throw malformed(source, "names a layer without its size");
  }
  return { sha256: sha256Of(layer, source), bytes };
}

/** Checked, since it becomes part of a path and of an address. */
function sha256Of(layer: LooseJson, source: ManifestSource): string {
  const sha256 = DIGEST.exec(stringOf(layer, "digest") ?? "")?.[1];
  if (sha256 === undefined) throw malformed(source, "names a layer by no SHA-256");
  return sha256.toLowerCase();
}

function stringOf(value: LooseJson, key: string): string | undefined {
  const found = value instanceof Map ? value.get(key) : undefined;
  return typeof found === "string" ? found : undefined;
}

function listOf(value: LooseJson, key: string): readonly LooseJson[] {
  const found = value instanceof Map ? value.get(key) : undefined;
  return Array.isArray(found) ? found : [];
}

function malformed({ label }: ManifestSource, what: string): InspectError {
  return new InspectError("invalid-json", `The manifest of ${label} ${what}. Pull the model again.`, { source: label });
}

function noModel({ label }: ManifestSource, what: string): InspectError {
  return new InspectError("no-model", `${label} ${what}.`, { source: label });
}

function noWeights(source: ManifestSource, hasTensors: boolean): InspectError {
  return noModel(
    source,
    hasTensors
      ? "is kept by Ollama as single tensors for MLX, not as GGUF. Weigh the repo it was made from"
      : "has no weights: it runs in Ollama's cloud, or is only a configuration. Name a tag that is downloaded",
  );
}
