import { InspectError } from "../errors.ts";
import { byName } from "./by-name.ts";
import { missingShards } from "./missing-shards.ts";
import { type Listing, type ModelFiles, someOf } from "./model-files.ts";
import { folderOf } from "./path-parts.ts";
import { parseShardName } from "./shard-name.ts";
import { completeSet, groupSets, requireAllListed } from "./shard-set.ts";
import { indexedFiles, parseWeightMap, type WeightMap } from "./weight-map.ts";

/** Copies of the same weights in another layout, or weights that only add to a model. */
const BESIDE = /^(?:consolidated|adapter|optimizer|training|scheduler|rng)/i;
const INDEX_ENDING = ".safetensors.index.json";

/**
 * The safetensors files of one folder: what model.safetensors.index.json names, else `model.safetensors`, else the
 * set `model-…-of-…`, else the only set there. Undefined when the folder has none.
 *
 * Where fetching the index costs (it is 43 % of all bytes of DeepSeek-V3's headers), a listing that shows one
 * complete `model-…-of-…` set and nothing that contradicts it says the same.
 */
export async function chooseSafetensors(listing: Listing, prefix: string): Promise<ModelFiles | undefined> {
  const here = listing.files.map((file) => file.path).filter((path) => isDirectChild(path, prefix));
  const indexPath = chooseIndex(here, prefix);
  const all = here.filter((path) => path.toLowerCase().endsWith(".safetensors")).sort(byName);
  if (all.length === 0 && indexPath === undefined) return undefined;
  const main = all.filter((path) => !BESIDE.test(path.slice(prefix.length)));
  const sets = groupSets(main.length > 0 ? main : all);
  const single = sets.find((set) => set.first === `${prefix}model.safetensors`);
  const named = sets.filter(
    (set) => set.shard !== undefined && /^model[-_.]$/.test(set.shard.stem.slice(prefix.length)),
  );
  if (indexPath !== undefined && (listing.indexIsCheap || single !== undefined || !isComplete(listing, named))) {
    return byIndexOrSingle(listing, indexPath, single?.first);
  }
  const chosen = single ?? named[0] ?? sets[0];
  if (chosen === undefined) return undefined;
  const ambiguous = single === undefined && (named.length > 1 || (named.length === 0 && sets.length > 1));
  if (ambiguous) {
    throw new InspectError(
      "invalid-source",
      `${listing.label} holds several sets of weights: ${someOf(sets.map((set) => set.first))}. Name one of these files.`,
      { source: listing.label },
    );
  }
  const paths = chosen.shard === undefined ? [chosen.first] : completeSet(listing, chosen.shard);
  return { format: "safetensors", paths, diagnostics: [] };
}

/** The files a named index lists, all of which must be there. */
export async function safetensorsByIndex(listing: Listing, indexPath: string): Promise<ModelFiles> {
  const { paths, index } = await readIndex(listing, indexPath);
  requireAllListed(listing, paths);
  return { format: "safetensors", paths, index, diagnostics: [] };
}

/** As transformers does, a whole model.safetensors outlives an index whose shards are gone. */
async function byIndexOrSingle(listing: Listing, indexPath: string, single: string | undefined): Promise<ModelFiles> {
  const { paths, index } = await readIndex(listing, indexPath);
  const known = new Set(listing.files.map((file) => file.path));
  const missing = paths.filter((path) => !known.has(path));
  if (missing.length === 0) return { format: "safetensors", paths, index, diagnostics: [] };
  if (single === undefined) throw missingShards(listing.label, missing, paths.length);
  const message = `${indexPath} names ${missing.length} files that are not there; model.safetensors was read instead.`;
  return {
    format: "safetensors",
    paths: [single],
    diagnostics: [{ code: "index-mismatch", message, where: listing.label }],
  };
}

async function readIndex(listing: Listing, indexPath: string): Promise<{ paths: string[]; index: WeightMap }> {
  const text = await listing.readIndex(indexPath);
  const folder = folderOf(indexPath);
  const label = listing.label.endsWith(indexPath) ? listing.label : `${listing.label}/${indexPath}`;
  const index = parseWeightMap(text, listing.limits, label);
  return { paths: indexedFiles(index, label).map((name) => `${folder}${name}`), index };
}

function isDirectChild(path: string, prefix: string): boolean {
  return path.startsWith(prefix) && !path.slice(prefix.length).includes("/");
}

function chooseIndex(here: readonly string[], prefix: string): string | undefined {
  const indexes = here.filter((path) => path.toLowerCase().endsWith(INDEX_ENDING));
  const usual = `${prefix}model${INDEX_ENDING}`;
  if (indexes.includes(usual)) return usual;
  return indexes.length === 1 ? indexes[0] : undefined;
}

/** Exactly one `model-…-of-…` set, all of it listed. */
function isComplete(listing: Listing, named: readonly { readonly first: string }[]): boolean {
  const [only] = named;
  const shard = named.length === 1 && only !== undefined ? parseShardName(only.first) : undefined;
  if (shard === undefined || shard.total > listing.limits.shards) return false;
  const count = listing.files.filter(({ path }) => {
    const other = parseShardName(path);
    return other !== undefined && other.stem === shard.stem && other.total === shard.total;
  }).length;
  return count === shard.total;
}
