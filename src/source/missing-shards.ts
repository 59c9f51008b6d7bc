import { InspectError } from "../errors.ts";

/** The error of an incomplete set: which files, and how many of how many. */
export function missingShards(label: string, missing: readonly string[], total: number): InspectError {
  const shown = missing.slice(0, 5).join(", ");
  const more = missing.length > 5 ? ` and ${missing.length - 5} more` : "";
  return new InspectError(
    "missing-shard",
    `${missing.length} of ${total} files of the set are missing from ${label}: ${shown}${more}. Finish the download or upload; a model cannot be weighed in part.`,
    { source: label },
  );
}
