import type { Device } from "./device.ts";

/** What is common to every runtime. */
export type CommonWorkload = {
  /**
   * Tokens to make room for, prompt and answer together. Default: the trained context.
   * llama.cpp: as its `--ctx-size`, shared by all sequences. transformers: held by each sequence.
   */
  readonly contextTokens?: number;
  /** Sequences kept at once. Default 1; 4 with llama.cpp's presets `server` and `lm-studio`. */
  readonly sequences?: number;
  /** Default: one device named `CPU`. GPUs (`cuda`, `metal`) take every layer; llama.cpp spreads them over several. */
  readonly devices?: readonly Device[];
};
