export const PROVEN_CACHES: ReadonlySet<string> = new Set([]);
export const PROVEN_WEIGHTS: ReadonlySet<string> = new Set([]);
export const PROVEN_SHARES: ReadonlySet<string> = new Set([]);
