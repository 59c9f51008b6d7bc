export const PROVEN_MODEL_TYPES: ReadonlySet<string> = new Set([]);
