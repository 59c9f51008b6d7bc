export const PROVEN_MODEL_TYPES: ReadonlySet<string> = new Set([]);
export const PROVEN_CACHES: ReadonlySet<string> = new Set([]);
