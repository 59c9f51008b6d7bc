import type { FeedForward } from "../model/feed-forward.ts";

/** Width of the feed-forward part that one token runs through: of its experts together. */
export function activeWidth(part: FeedForward): number {
  if (part.kind === "dense") return part.intermediateSize;
  if (part.kind === "experts") return part.expertsPerToken * part.expertIntermediateSize + part.sharedIntermediateSize;
  return 0;
}
