import { printable } from "../bytes/printable.ts";
import { isInspectError } from "../errors.ts";
import { inspectAll, inspectModels } from "../inspect.ts";
import type { InspectOutcome } from "../inspect-models.ts";
import type { Model } from "../model/model.ts";
import { type ModelEntry, modelsJson } from "../report/models-json.ts";
import { modelsTable } from "../report/models-table.ts";
import type { Style } from "../report/style.ts";
import { worstVerdict } from "../report/weigh.ts";
import { EXIT_CODES, failureOf } from "./failure.ts";
import type { Request } from "./options.ts";
import { reading } from "./reading.ts";
import type { Surroundings } from "./surroundings.ts";
import { UsageError } from "./usage-error.ts";
import { weighAll } from "./weighing.ts";
import { workloadsFor } from "./workloads.ts";

/** True where one screen per model would not do. */
export function isSeveral({ sources, all }: Request): boolean {
  return all || sources.length > 1;
}

/** Weighs several models side by side, and says what the process should exit with. */
export async function weighSeveral(
  request: Request,
  around: Surroundings,
  style: { readonly out: Style; readonly err: Style },
  columns: number,
): Promise<number> {
  if (request.companions !== undefined) {
    throw new UsageError("models beside one (--mmproj, --model-draft) are counted for one model at a time");
  }
  if (request.tensors && !request.json) {
    throw new UsageError("--tensors lists those of one model; of several with --json");
  }
  const outcomes = await readOutcomes(request, around);
  const entries = outcomes.map((outcome) => entryOf(outcome, request));
  around.stdout.write(
    request.json
      ? `${modelsJson(entries, request.tensors)}\n`
      : `${modelsTable(entries, request.all, style.out, columns).join("\n")}\n`,
  );
  for (const { source, error } of entries) {
    if (error === undefined) continue;
    around.stderr.write(`${printable(source)}\n${failureOf(error, style.err).lines.join("\n")}\n`);
  }
  return exitCodeOf(entries, request.all);
}

function readOutcomes({ sources, all, ...request }: Request, around: Surroundings): Promise<readonly InspectOutcome[]> {
  return reading(request, around, async (options) => {
    if (!all) return inspectModels(sources, options);
    const outcomes: InspectOutcome[] = [];
    for (const source of sources) {
      try {
        outcomes.push(...(await inspectAll(source, options)));
      } catch (error) {
        // Of several repos one that is not there does not hide the others.
        if (sources.length === 1 || !isInspectError(error)) throw error;
        outcomes.push({ source, error });
      }
    }
    return outcomes;
  });
}

/** A model no runtime weighs is told like one that cannot be read, unless the command line is to blame. */
function entryOf({ source, model, error }: InspectOutcome, request: Request): ModelEntry {
  const name = String(source);
  if (model === undefined) return { source: name, error };
  try {
    return { source: name, model, ...weighOne(model, request) };
  } catch (problem) {
    if (!isInspectError(problem, "unsupported-runtime")) throw problem;
    return { source: name, error: problem };
  }
}

function weighOne(model: Model, request: Request) {
  return weighAll(model, workloadsFor(model, request, {}), request.runtimes === "all");
}

/** Of alternatives one that fits is enough; of models named one by one, all have to. */
function exitCodeOf(entries: readonly ModelEntry[], alternatives: boolean): number {
  if (entries.some(({ error }) => error !== undefined)) return EXIT_CODES.badModel;
  const verdicts = entries.map(({ reports = [] }) => worstVerdict(reports.flatMap(({ fits }) => fits)));
  const fitting = verdicts.filter((verdict) => verdict === undefined || verdict === "fits").length;
  const enough = alternatives ? fitting > 0 : fitting === verdicts.length;
  return enough ? EXIT_CODES.ok : EXIT_CODES.doesNotFit;
}
