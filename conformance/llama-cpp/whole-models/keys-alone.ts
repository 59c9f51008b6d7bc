/**
 * Cases, by architecture and title, that are no whole models: they count a block that predicts further tokens, whose
 * tensors the engine does not read. It refuses a file that has them; one that has none is among the variants.
 */
export const KEYS_ALONE: ReadonlySet<string> = new Set([
  "kimi-k3 MTP, cached in the main context",
  "lfm2 MTP, cached in the main context",
  "falcon-h1 MTP, cached in the main context without its state",
  "minimax-m3 MTP, cached in the main context",
]);
