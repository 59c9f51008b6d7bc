import { byName } from "./by-name.ts";
import { ggufTag } from "./gguf-tag.ts";
import type { ListedFile } from "./model-files.ts";
import { folderOf } from "./path-parts.ts";

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

/** Those words alone: a GGUF file with one in its name is no model by itself. */
export const COMPANION_WORDS: readonly string[] = KEYWORDS.map(([word]) => word);

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
  const bits = bitsOf(quant ?? ggufTag(model));
  const candidates = files
    .map(({ path }) => path)
    .filter((path) => path !== model && path.endsWith(".gguf") && path.includes(word))
    .filter((path) => folderOf(model).startsWith(folderOf(path)))
    .sort(byName)
    .map((path): Candidate => {
      const exact = quant !== undefined && path.toUpperCase().includes(`-${quant.toUpperCase()}.`);
      return { path, depth: folderOf(path).length, exact, distance: Math.abs(bitsOf(ggufTag(path)) - bits) };
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

/** 4 of `Q4_K_M`, 16 of `BF16`, 0 of a name without a number (`extract_quant_bits`). */
function bitsOf(tag = ""): number {
  return Number(/\d+/.exec(tag)?.[0] ?? 0);
}
