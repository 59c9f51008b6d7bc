/** Diagnostics that configs are right to give, and why. */
export type Justified = { readonly configs: readonly string[]; readonly code: string; readonly because: string };

export const JUSTIFIED: readonly Justified[] = [];
