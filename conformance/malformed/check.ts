import { MALFORMED_FILES } from "../../test/malformed/cases.ts";
import { type PartResult, verdict } from "../part.ts";
import { askReferences, missingReferences, ON_PURPOSE, readVerdicts, type Verdicts } from "./verdicts.ts";

/** Where the verdicts of the list differ from the references', but for those that differ on purpose. */
export function differingVerdicts({ rows }: Verdicts): string[] {
  return MALFORMED_FILES.flatMap(({ format, title, takes }) => {
    const row = rows.find((candidate) => candidate.format === format && candidate.title === title);
    if (row === undefined) return [`${format} ${title}: the reference was not asked`];
    if (ON_PURPOSE.has(title)) {
      return row.takes === takes ? [`${format} ${title}: no longer differs, though it is listed`] : [];
    }
    const words = (each: boolean): string => (each ? "takes it" : "rejects it");
    return row.takes === takes
      ? []
      : [`${format} ${title}: the reference ${words(row.takes)}, weighin ${words(takes)}`];
  });
}

/** Asks the reference readers again. */
export function checkMalformed(): PartResult {
  const name = "verdicts on malformed files";
  const missing = missingReferences();
  if (missing !== undefined) return { name, state: "skipped", summary: missing };
  const now = askReferences();
  // The words may change from run to run: of two equally wrong tensors either is named.
  const golden = new Map(readVerdicts().rows.map(({ format, title, takes }) => [`${format} ${title}`, takes]));
  const changed = now.rows
    .filter(({ format, title, takes }) => golden.get(`${format} ${title}`) !== takes)
    .map(({ format, title }) => `${format} ${title}: another verdict than the golden one`);
  const equal = MALFORMED_FILES.length - ON_PURPOSE.size;
  const summary = `${equal}/${equal} as the references say, ${ON_PURPOSE.size} otherwise on purpose`;
  return verdict(name, summary, [...differingVerdicts(now), ...changed]);
}
