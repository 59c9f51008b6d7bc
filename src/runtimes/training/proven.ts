export const PROVEN_FULL: ReadonlySet<string> = new Set([]);
export const PROVEN_LORA: ReadonlySet<string> = new Set([]);
export const PROVEN_NF4: ReadonlySet<string> = new Set([]);
