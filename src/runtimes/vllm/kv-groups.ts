import type { KvSpec } from "./kv-spec.ts";

/** Layers that share one table of blocks (`v1/core/kv_cache_utils.py`, KVCacheGroupSpec). */
export type KvGroup = { readonly specs: readonly KvSpec[] };

/** Options that grouping depends on. */
export type GroupRules = {
  readonly hybridManager: boolean;
  /** See `VersionRules.paddedBelow`. */
  readonly paddedBelow: number;
};

/** Groups of layers (`kv_cache_utils.py`, get_kv_cache_groups); null where their pages fit together in no way. */
export function kvGroups(specs: readonly KvSpec[], rules: GroupRules): readonly KvGroup[] | null {
  const held = rules.hybridManager ? specs : keptWhole(specs);
  if (held.length === 0) return [];
  if (isOneType(held)) return [{ specs: held }];
  const even = evenPages(held);
  return even && splitEvenly(even, rules.paddedBelow);
}

/** Without the manager of several kinds windows are kept whole, if other layers are (`_promote_local_kv_cache_specs`). */
function keptWhole(specs: readonly KvSpec[]): readonly KvSpec[] {
  if (isOneType(specs) || !specs.some(({ kind }) => kind === "full")) return specs;
  return specs.map((spec) =>
    spec.kind === "sliding" || spec.kind === "chunked" ? { ...spec, kind: "full" as const } : spec,
  );
}

/** True when all layers take as many blocks of as many tokens (`kv_cache_interface.py`, is_uniform_type). */
function isOneType(specs: readonly KvSpec[]): boolean {
  const [first] = specs;
  if (first === undefined) return true;
  return specs.every(
    (spec) =>
      spec.blockTokens === first.blockTokens &&
      TYPES[spec.kind] === TYPES[first.kind] &&
      spec.states === first.states &&
      (spec.kind === "full" || spec.window === first.window) &&
      (spec.kind !== "state" || spec.pageBytes === first.pageBytes),
  );
}

const TYPES: { readonly [kind in KvSpec["kind"]]: string } = {
  full: "full",
  latent: "full",
  indexer: "full",
  sliding: "sliding",
  chunked: "chunked",
  cross: "cross",
  state: "state",
};

/** All pages as large as the largest: more tokens to a block, or padding (`unify_kv_cache_spec_page_size`). */
function evenPages(specs: readonly KvSpec[]): readonly KvSpec[] | null {
  const pageBytes = Math.max(...specs.map((spec) => spec.pageBytes));
  const even = specs.map((spec): KvSpec | undefined => {
    if (spec.pageBytes === pageBytes || spec.kind === "state") return { ...spec, pageBytes };
    if (pageBytes % spec.pageBytes === 0) {
      return { ...spec, pageBytes, blockTokens: spec.blockTokens * (pageBytes / spec.pageBytes) };
    }
    // Rows of latents are indexed without regard to blocks, so there is no room for padding between these.
    return spec.kind === "latent" || spec.kind === "indexer" ? undefined : { ...spec, pageBytes };
  });
  return even.every((spec) => spec !== undefined) ? even : null;
}

/** Groups of about as many layers each (`_get_kv_cache_groups_uniform_page_size`). */
function splitEvenly(specs: readonly KvSpec[], paddedBelow: number): readonly KvGroup[] {
  const byKey = new Map<string, KvSpec[]>();
  for (const spec of specs) byKey.set(keyOf(spec), [...(byKey.get(keyOf(spec)) ?? []), spec]);
  const buckets = [...byKey.values()];
  const sizes = buckets.map((bucket) => bucket.length);
  const [fewest, most] = [Math.min(...sizes), Math.max(...sizes)];
  const size = most < fewest * paddedBelow ? most : fewest;
  return buckets.flatMap((bucket) => {
    const groups = Math.ceil(bucket.length / size);
    return Array.from({ length: groups }, (_, group) => ({
      specs: bucket.filter((_, index) => index % groups === group),
    }));
  });
}

function keyOf({ kind, blockTokens, pageBytes, window, states, shape }: KvSpec): string {
  return [kind, blockTokens, pageBytes, kind === "full" ? "" : window, states, shape].join();
}

/** Bytes that one block takes on a rank that holds some of the layers: those of its largest group. */
export function blockBytes(groups: readonly KvGroup[], holds: (spec: KvSpec) => boolean = () => true): number {
  return Math.max(
    0,
    ...groups.map(({ specs }) => specs.filter(holds).reduce((sum, { pageBytes }) => sum + pageBytes, 0)),
  );
}
