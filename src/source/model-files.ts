import type { Diagnostic } from "../diagnostics.ts";
import { InspectError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import { type CompanionFile, companionFiles } from "./companion-files.ts";
import { chooseGguf, ggufGroups, isSidecar, siblingFiles } from "./gguf-files.ts";
import { chooseSafetensors, safetensorsByIndex } from "./safetensors-files.ts";
import { parseShardName } from "./shard-name.ts";
import { completeSet } from "./shard-set.ts";
import type { WeightMap } from "./weight-map.ts";

/** One file of a repo or directory. */
export type ListedFile = { readonly path: string; readonly bytes?: number };

/** Everything a repo or directory holds, and how to read a text of it. */
export type Listing = {
  /** Name of the repo or directory for messages. */
  readonly label: string;
  readonly files: readonly ListedFile[];
  /** Reading an index costs little here, so it may decide even where names suffice. */
  readonly indexIsCheap: boolean;
  readonly limits: Limits;
  readIndex(path: string): Promise<string>;
};

/** What is wanted of it. */
export type Wanted = {
  /** A file or folder inside; the root without it. */
  readonly path?: string;
  readonly quant?: string;
};

/** Another model of the same repo or folder: a quantization that was not chosen. */
export type SiblingFiles = {
  readonly first: string;
  /** Throws what choosing it would: `missing-shard`. */
  files(): ModelFiles;
};

/** The files that make up one model. */
export type ModelFiles = {
  readonly format: "gguf" | "safetensors";
  /** In shard order. */
  readonly paths: readonly string[];
  readonly index?: WeightMap;
  /** Files that are loaded with it. */
  readonly companions?: readonly CompanionFile[];
  readonly diagnostics: readonly Diagnostic[];
  /** GGUF models beside it, in name order. */
  readonly siblings?: readonly SiblingFiles[];
};

const PICKLE = /\.(?:bin|pt|pth|ckpt|pkl)$/i;

/** True for a file name of a pickle checkpoint: never opened, since loading one runs code. */
export function isPickle(path: string): boolean {
  return PICKLE.test(path);
}

/** A file and where it is; `label` may be the file itself, or the folder one is in. */
function nameIn(path: string, label: string): string {
  if (label === path || label === ".") return path;
  return label.endsWith(`/${path}`) ? label : `${path} in ${label}`;
}

/** The error for a checkpoint that is never opened. */
export function pickleError(path: string, label: string): InspectError {
  return new InspectError(
    "no-model",
    `${nameIn(path, label)} is a pickle checkpoint. Those are never opened, since loading one runs code: use a safetensors or GGUF copy of the model.`,
    { source: label },
  );
}

/** Decides which files are the model and which belong to it, by the rules of docs/sources.md. */
export async function chooseModelFiles(listing: Listing, wanted: Wanted): Promise<ModelFiles> {
  const chosen = withCompanions(listing, wanted, await chooseFiles(listing, wanted));
  const { siblings } = chosen;
  if (siblings === undefined) return chosen;
  return {
    ...chosen,
    siblings: siblings.map(({ first, files }) => ({ first, files: () => withCompanions(listing, wanted, files()) })),
  };
}

function withCompanions(listing: Listing, wanted: Wanted, chosen: ModelFiles): ModelFiles {
  const [first] = chosen.paths;
  if (chosen.format !== "gguf" || first === undefined || isSidecar(first)) return chosen;
  const companions = companionFiles(listing.files, first, wanted.quant);
  const diagnostics = wanted.path === undefined ? [...chosen.diagnostics, ...presetNote(listing)] : chosen.diagnostics;
  return { ...chosen, diagnostics, ...(companions.length > 0 && { companions }) };
}

/** common/download.cpp: of a repo with a preset.ini at its root, llama.cpp's `-hf` takes that file alone. */
function presetNote({ label, files }: Listing): readonly Diagnostic[] {
  if (!files.some(({ path }) => path === "preset.ini")) return [];
  const message = `llama.cpp follows the preset.ini of ${label} when given the repo, and may load other files than these.`;
  return [{ code: "not-counted", message, where: "preset.ini" }];
}

async function chooseFiles(listing: Listing, wanted: Wanted): Promise<ModelFiles> {
  const { path } = wanted;
  if (path !== undefined && listing.files.some((file) => file.path === path)) return chooseNamed(listing, path);
  const prefix = path === undefined ? "" : `${path}/`;
  if (!listing.files.some((file) => file.path.startsWith(prefix))) throw notListed(listing, wanted);
  if (wanted.quant === undefined) {
    const safetensors = await chooseSafetensors(listing, prefix);
    if (safetensors !== undefined) return withGgufNote(listing, prefix, safetensors);
  }
  const gguf = chooseGguf(listing, prefix, wanted.quant);
  if (gguf !== undefined) return gguf;
  throw noModel(listing, prefix);
}

async function chooseNamed(listing: Listing, path: string): Promise<ModelFiles> {
  if (/\.index\.json$/i.test(path)) return safetensorsByIndex(listing, path);
  const format = formatByName(path);
  if (format === undefined) {
    if (isPickle(path)) throw pickleError(path, listing.label);
    throw new InspectError(
      "invalid-source",
      `${nameIn(path, listing.label)} is no weight file. Name a .gguf, a .safetensors, a .safetensors.index.json or the folder.`,
      { source: listing.label },
    );
  }
  const shard = parseShardName(path);
  return { format, paths: shard === undefined ? [path] : completeSet(listing, shard), diagnostics: [] };
}

/** Format by file ending, or undefined when it tells nothing. */
export function formatByName(path: string): "gguf" | "safetensors" | undefined {
  if (/\.gguf$/i.test(path)) return "gguf";
  return /\.safetensors$/i.test(path) ? "safetensors" : undefined;
}

function withGgufNote(listing: Listing, prefix: string, chosen: ModelFiles): ModelFiles {
  const groups = ggufGroups(listing, prefix);
  const tags = groups.map((group) => group.tag ?? group.first);
  if (tags.length === 0) return chosen;
  const message = `The safetensors files were chosen; GGUF is there too: ${someOf(tags)}. Name one with :TAG to weigh it instead.`;
  return {
    ...chosen,
    diagnostics: [...chosen.diagnostics, { code: "not-counted", message, where: listing.label }],
    siblings: siblingFiles(listing, groups),
  };
}

function notListed(listing: Listing, wanted: Wanted): InspectError {
  if (wanted.path === undefined) return noModel(listing, "");
  return new InspectError(
    "entry-not-found",
    `${listing.label} has no file or folder ${JSON.stringify(wanted.path)}. It holds ${someOf(listing.files.map((file) => file.path))}.`,
    { source: listing.label },
  );
}

function noModel(listing: Listing, prefix: string): InspectError {
  const paths = listing.files.map((file) => file.path).filter((path) => path.startsWith(prefix));
  const weights = paths.some((path) => path.toLowerCase().endsWith(".gguf")) ? "model" : "GGUF or safetensors weights";
  const holds = paths.length === 0 ? "No file lies in it." : `It holds ${someOf(paths)}.`;
  return new InspectError("no-model", `${listing.label} holds no ${weights}. ${holds} ${advice(paths, prefix)}`, {
    source: listing.label,
  });
}

/** What to name instead, by what is there. */
function advice(paths: readonly string[], prefix: string): string {
  if (paths.some((path) => path.toLowerCase().endsWith(".gguf"))) {
    return "Those GGUF files go with a model: name one of them to weigh it alone.";
  }
  if (paths.includes(`${prefix}model_index.json`)) {
    return "That is a pipeline of several models (diffusers): name the folder of one of them.";
  }
  const pickle = paths.find(isPickle);
  if (pickle === undefined) return "Name the folder or file that has the weights.";
  return `${pickle} is a pickle checkpoint, which is never opened, since loading one runs code: use a safetensors or GGUF copy of the model.`;
}

/** The first eight of a list, and how many more there are. */
export function someOf(names: readonly string[]): string {
  const shown = names.slice(0, 8).join(", ");
  return names.length > 8 ? `${shown} and ${names.length - 8} more` : shown;
}
