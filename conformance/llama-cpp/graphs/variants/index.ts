import { DECODERS } from "./decoders.ts";
import { DRAFTS } from "./drafts.ts";
import { ENCODERS } from "./encoders.ts";
import { MATRICES } from "./matrices.ts";
import { MIXTURES } from "./mixtures.ts";
import { NUMBERS } from "./numbers.ts";
import { OMISSIONS } from "./omissions.ts";
import { RECURRENCES } from "./recurrences.ts";
import { SCALES } from "./scales.ts";
import type { Variant } from "./variant.ts";

/** Ways of a graph that no golden row takes, by theme. */
export const VARIANTS: readonly Variant[] = [
  ...ENCODERS,
  ...DRAFTS,
  ...DECODERS,
  ...MIXTURES,
  ...RECURRENCES,
  ...NUMBERS,
  ...OMISSIONS,
  ...MATRICES,
  ...SCALES,
];
