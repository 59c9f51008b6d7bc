import type { Diagnostic } from "../diagnostics.ts";
import { InspectError } from "../errors.ts";
import { byName } from "./by-name.ts";
import { COMPANION_WORDS } from "./companion-files.ts";
import { ggufTag } from "./gguf-tag.ts";
import { type Listing, type ModelFiles, type SiblingFiles, someOf } from "./model-files.ts";
import { nameOf } from "./path-parts.ts";
import { parseShardName } from "./shard-name.ts";
import { completeSet, groupSets } from "./shard-set.ts";

/** One quantization of a GGUF repo: a file or a set of shards. */
export type GgufGroup = {
  readonly first: string;
  /** `Q4_K_M` in `…-Q4_K_M.gguf`, when the name ends with one. */
  readonly tag: string | undefined;
  readonly bytes: number | undefined;
};

// The rules of llama.cpp's `-hf` (common/download.cpp, snapshot of 2026-09-28): which files are no models, the
// order of defaults, and how a tag is read from and matched against a path.
const SIDECARS: readonly string[] = ["imatrix", ...COMPANION_WORDS];
const DEFAULT_TAGS: readonly string[] = ["Q4_K_M", "Q8_0"];

/** The GGUF models below `prefix` in name order; projectors, drafts and importance matrices are left out. */
export function ggufGroups(listing: Listing, prefix: string): GgufGroup[] {
  const paths = listing.files
    .map((file) => file.path)
    .filter((path) => path.startsWith(prefix) && path.toLowerCase().endsWith(".gguf"))
    .filter((path) => !isSidecar(path))
    .sort(byName);
  return groupSets(paths).map(({ first }) => ({ first, tag: ggufTag(first), bytes: groupBytes(listing, first) }));
}

/** True for a GGUF file that is no model, by its name. */
export function isSidecar(path: string): boolean {
  return SIDECARS.some((word) => nameOf(path).includes(word));
}

function groupBytes(listing: Listing, first: string): number | undefined {
  const shard = parseShardName(first);
  let bytes = 0;
  for (const file of listing.files) {
    const other = file.path === first ? shard : parseShardName(file.path);
    const belongs =
      file.path === first || (shard !== undefined && other?.stem === shard.stem && other.total === shard.total);
    if (!belongs) continue;
    if (file.bytes === undefined) return undefined;
    bytes += file.bytes;
  }
  return bytes;
}

/**
 * The GGUF model below `prefix`: the first whose path holds the asked tag before a `.` or `-`; without a tag the
 * first default there is, else the first in name order. Undefined when there is no GGUF model at all.
 */
export function chooseGguf(listing: Listing, prefix: string, quant: string | undefined): ModelFiles | undefined {
  const groups = ggufGroups(listing, prefix);
  if (quant === undefined || quant.toLowerCase() === "latest") {
    const byDefault = DEFAULT_TAGS.map((tag) => groups.find((group) => holdsTag(group.first, tag)));
    const chosen = byDefault.find((group) => group !== undefined) ?? groups[0];
    if (chosen === undefined) return undefined;
    return filesOf(listing, chosen, groups, "No quantization was named");
  }
  const matches = groups.filter((group) => holdsTag(group.first, quant) || isFileName(group.first, quant));
  const [chosen] = matches;
  if (chosen === undefined) throw quantNotFound(listing, groups, quant);
  return filesOf(listing, chosen, matches, `${quant} fits several files`);
}

function filesOf(listing: Listing, chosen: GgufGroup, among: readonly GgufGroup[], why: string): ModelFiles {
  const others = among.filter((group) => group !== chosen);
  const diagnostics: Diagnostic[] = [];
  if (others.length > 0) {
    const names = others.map((group) => group.tag ?? group.first);
    const message = `${why}: ${chosen.first} was chosen. There are also ${someOf(names)}.`;
    diagnostics.push({ code: "not-counted", message, where: listing.label });
  }
  const files = { ...groupFiles(listing, chosen), diagnostics };
  return others.length === 0 ? files : { ...files, siblings: siblingFiles(listing, others) };
}

function groupFiles(listing: Listing, { first }: GgufGroup): ModelFiles {
  const shard = parseShardName(first);
  return { format: "gguf", paths: shard === undefined ? [first] : completeSet(listing, shard), diagnostics: [] };
}

/** Models of a listing that were not chosen. */
export function siblingFiles(listing: Listing, groups: readonly GgufGroup[]): SiblingFiles[] {
  return groups.map((group) => ({ first: group.first, files: () => groupFiles(listing, group) }));
}

/** llama.cpp searches for the pattern TAG[.-], ignoring case, anywhere in the path: `Q4_K_M` also finds `UD-Q4_K_M`. */
function holdsTag(path: string, tag: string): boolean {
  const [text, wanted] = [path.toLowerCase(), tag.toLowerCase()];
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) {
    const after = text[at + wanted.length];
    if (after === "." || after === "-") return true;
  }
  return false;
}

/** Ollama takes a whole file name as a tag. */
function isFileName(path: string, tag: string): boolean {
  return nameOf(path).toLowerCase() === tag.toLowerCase();
}

function quantNotFound(listing: Listing, groups: readonly GgufGroup[], quant: string): InspectError {
  const there = groups.map(({ first, tag, bytes }) => {
    const name = tag ?? first;
    return bytes === undefined ? name : `${name} (${bytes.toLocaleString("en-US")} bytes)`;
  });
  const what =
    there.length === 0
      ? "It has no GGUF files; leave the quantization out to weigh safetensors."
      : `It has ${there.join(", ")}.`;
  return new InspectError(
    "quant-not-found",
    `${listing.label} has no GGUF file for ${JSON.stringify(quant)}. ${what}`,
    {
      source: listing.label,
    },
  );
}
