import { createColors } from "picocolors";
import { printable } from "../bytes/printable.ts";
import { inspectModel } from "../inspect.ts";
import type { Model } from "../model/model.ts";
import { reportJson } from "../report/json.ts";
import { screen } from "../report/screen.ts";
import type { Style } from "../report/style.ts";
import { tensorsSection } from "../report/tensors-section.ts";
import { worstVerdict } from "../report/weigh.ts";
import { wrap } from "../report/width.ts";
import { readCompanions, uncountedCompanions } from "./companions.ts";
import type { Environment } from "./environment.ts";
import { EXIT_CODES, failureOf } from "./failure.ts";
import { hidingTokens } from "./hidden-tokens.ts";
import { parseArguments, type Request } from "./options.ts";
import { reading } from "./reading.ts";
import { isSeveral, weighSeveral } from "./several.ts";
import type { Output, Surroundings } from "./surroundings.ts";
import { type Weighed, weighAll } from "./weighing.ts";
import { checkOwnOptions, workloadsFor } from "./workloads.ts";

export type { Output, Surroundings } from "./surroundings.ts";

/** The screen is made for 80 columns, and can do with 62. */
const COLUMNS = { most: 80, least: 62 } as const;

function styleFor(output: Output, environment: Environment): Style {
  const wanted = output.isTerminal && !environment["NO_COLOR"] && environment["TERM"] !== "dumb";
  const colors = createColors(wanted);
  return {
    bold: colors.bold,
    dim: colors.dim,
    good: colors.green,
    bad: colors.red,
    unsure: colors.yellow,
    bar: colors.cyan,
  };
}

function read(source: string, request: Request, around: Surroundings): Promise<Model> {
  return reading(request, around, (options) => inspectModel(source, options));
}

function columnsOf({ columns = COLUMNS.most }: Output): number {
  return Math.max(COLUMNS.least, Math.min(COLUMNS.most, columns));
}

function textOf(model: Model, { reports, refusals }: Weighed, request: Request, around: Surroundings): string {
  if (request.json) {
    return reportJson(
      model,
      reports.map((report) => report.estimate),
      request.tensors,
      refusals,
    );
  }
  const style = styleFor(around.stdout, around.environment);
  const columns = columnsOf(around.stdout);
  const lines = [...screen(model, reports, { style, columns, refusals })];
  if (request.tensors) lines.push("", ...tensorsSection(model, style));
  const counts = reports.some(({ estimate }) => estimate.runtime === "llama.cpp");
  const uncounted = counts ? uncountedCompanions(model, request.companions) : [];
  if (uncounted.length > 0) lines.push("", ...uncounted.flatMap((line) => wrap(line, columns)).map(style.dim));
  const asksDevice = around.stdout.isTerminal && request.common.devices === undefined;
  if (asksDevice) lines.push("", style.dim("--device 24GiB tells whether it fits, and how much context would."));
  return lines.join("\n");
}

/** A file beside the model names its own revision, and a projector is no model, which `--strict` would not have. */
function besideIt({ reading, ...request }: Request): Request {
  const { revision: _, strict: __, ...rest } = reading;
  return { ...request, reading: rest };
}

async function weighRequest(request: Request, around: Surroundings): Promise<number> {
  if (Array.isArray(request.runtimes)) checkOwnOptions(request, request.runtimes);
  for (const note of request.notes) around.stderr.write(`weighin: ${printable(note)}\n`);
  if (isSeveral(request)) {
    const style = {
      out: styleFor(around.stdout, around.environment),
      err: styleFor(around.stderr, around.environment),
    };
    return weighSeveral(request, around, style, columnsOf(around.stdout));
  }
  const [source = ""] = request.sources;
  const model = await read(source, request, around);
  const companions = await readCompanions(model, request.companions, (source) =>
    read(source, besideIt(request), around),
  );
  const weighed = weighAll(model, workloadsFor(model, request, companions), request.runtimes === "all");
  around.stdout.write(`${textOf(model, weighed, request, around)}\n`);
  const verdict = worstVerdict(weighed.reports.flatMap((report) => report.fits));
  return verdict === undefined || verdict === "fits" ? EXIT_CODES.ok : EXIT_CODES.doesNotFit;
}

/** Runs one command line, without the program's own name, and says what the process should exit with. */
export async function run(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const around = hidingTokens(surroundings);
  try {
    const parsed = parseArguments(args, around.version);
    if (parsed.kind === "request") return await weighRequest(parsed.request, around);
    around.stdout.write(parsed.text);
    return EXIT_CODES.ok;
  } catch (error) {
    if (around.signal.aborted) return EXIT_CODES.interrupted;
    const { exitCode, lines } = failureOf(error, styleFor(around.stderr, around.environment));
    around.stderr.write(`${lines.join("\n")}\n`);
    return exitCode;
  }
}
