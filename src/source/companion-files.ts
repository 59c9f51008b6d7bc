import { byName } from "./by-name.ts";
import type { ListedFile } from "./model-files.ts";
import { parseShardName } from "./shard-name.ts";

/** A file beside a model that is loaded with it: the projector of its images and audio, or what drafts its tokens. */
export type CompanionFile = { readonly role: "projector" | "draft"; readonly path: string };

/** Words in the paths of files that belong to a model, by llama.cpp's downloader (common/download.cpp:632-660, v0.5.0). */
const KEYWORDS: readonly (readonly [word: string, role: CompanionFile["role"]])[] = [
  ["mmproj", "projector"],
  ["mtp-", "draft"],
  ["eagle3-", "draft"],
  ["dflash-", "draft"],
  ["dspark-", "draft"],
];

const TAG_OF_NAME = /[-.]([A-Z0-9_]+)$/;

/** The companions of a GGUF model, at most one for each kind there is. */
export function companionFiles(
  files: readonly ListedFile[],
  model: string,
  quant: string | undefined,
): readonly CompanionFile[] {
  return KEYWORDS.flatMap(([word, role]) => {
    const path = bestSibling(files, model, word, role === "draft" ? quant : undefined);
    return path === undefined ? [] : [{ role, path }];
  });
}

type Candidate = { readonly path: string; readonly depth: number; readonly exact: boolean; readonly distance: number };

/**
 * `find_best_sibling`: of the files in the model's folder or one above it the nearest, then the one with the asked tag, then
 * the one with the closest number of bits; the first of equals.
 */
function bestSibling(
  files: readonly ListedFile[],
  model: string,
  word: string,
  quant: string | undefined,
): string | undefined {
  const bits = quant === undefined ? bitsOf(tagOf(model)) : bitsOf(quant);
  const candidates = files
    .map(({ path }) => path)
    .filter((path) => path !== model && path.endsWith(".gguf") && path.includes(word))
    .filter((path) => folderOf(model).startsWith(folderOf(path)))
    .sort(byName)
    .map((path): Candidate => {
      const exact = quant !== undefined && path.toUpperCase().includes(`-${quant.toUpperCase()}.`);
      return { path, depth: folderOf(path).length, exact, distance: Math.abs(bitsOf(tagOf(path)) - bits) };
    });
  return candidates.reduce<Candidate | undefined>(
    (best, candidate) => (best === undefined || isBetter(candidate, best) ? candidate : best),
    undefined,
  )?.path;
}

function isBetter(candidate: Candidate, best: Candidate): boolean {
  if (candidate.depth !== best.depth) return candidate.depth > best.depth;
  if (candidate.exact !== best.exact) return candidate.exact;
  return candidate.distance < best.distance;
}

/** The folder with its slash; of the root nothing. */
function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1);
}

function tagOf(path: string): string {
  const stem = parseShardName(path)?.stem.slice(0, -1) ?? path.slice(0, -".gguf".length);
  return TAG_OF_NAME.exec(stem.toUpperCase())?.[1] ?? "";
}

/** 4 of `Q4_K_M`, 16 of `BF16`, 0 of a name without a number (`extract_quant_bits`). */
function bitsOf(tag: string): number {
  return Number(/\d+/.exec(tag)?.[0] ?? 0);
}
