import { createColors } from "picocolors";
import { printable } from "../bytes/printable.ts";
import { inspectModel } from "../inspect.ts";
import type { Model } from "../model/model.ts";
import type { InspectOptions } from "../options.ts";
import { reportJson } from "../report/json.ts";
import { screen } from "../report/screen.ts";
import type { Style } from "../report/style.ts";
import { tensorsSection } from "../report/tensors-section.ts";
import { type RuntimeReport, weigh, worstVerdict } from "../report/weigh.ts";
import { wrap } from "../report/width.ts";
import { readCompanions, uncountedCompanions } from "./companions.ts";
import { type Environment, hubSettings, type ReadText } from "./environment.ts";
import { EXIT_CODES, failureOf } from "./failure.ts";
import { parseArguments, type Request } from "./options.ts";
import { progressLine } from "./progress.ts";
import { checkOwnOptions, workloadsFor } from "./workloads.ts";

/** The screen is made for 80 columns, and can do with 62. */
const COLUMNS = { most: 80, least: 62 } as const;

/** Where text goes. */
export type Output = {
  readonly isTerminal: boolean;
  /** Width of the terminal, when it is one. */
  readonly columns?: number;
  write(text: string): void;
};

/** All the program needs of the process around it. */
export type Surroundings = {
  readonly version: string;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly environment: Environment;
  readonly homeDirectory: string;
  readonly readText: ReadText;
  /** Aborts when the user interrupts. */
  readonly signal: AbortSignal;
  /** A clock in milliseconds. */
  readonly now: () => number;
};

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

async function read(source: string, request: Request, around: Surroundings): Promise<Model> {
  const progress = progressLine((text) => around.stderr.write(text), around.now);
  const { offline, ...settings } = await hubSettings(around.environment, around.homeDirectory, around.readText);
  const options: InspectOptions = {
    ...settings,
    offline,
    ...request.reading,
    signal: around.signal,
    ...(around.stderr.isTerminal ? { onProgress: progress.update } : {}),
  };
  try {
    return await inspectModel(source, options);
  } finally {
    progress.clear();
  }
}

function textOf(model: Model, reports: readonly RuntimeReport[], request: Request, around: Surroundings): string {
  if (request.json) {
    return reportJson(
      model,
      reports.map((report) => report.estimate),
      request.tensors,
    );
  }
  const style = styleFor(around.stdout, around.environment);
  const columns = Math.max(COLUMNS.least, Math.min(COLUMNS.most, around.stdout.columns ?? COLUMNS.most));
  const lines = [...screen(model, reports, { style, columns })];
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
  const model = await read(request.source, request, around);
  const companions = await readCompanions(model, request.companions, (source) =>
    read(source, besideIt(request), around),
  );
  const reports = workloadsFor(model, request, companions).map((workload) => weigh(model, workload));
  around.stdout.write(`${textOf(model, reports, request, around)}\n`);
  const verdict = worstVerdict(reports.flatMap((report) => report.fits));
  return verdict === undefined || verdict === "fits" ? EXIT_CODES.ok : EXIT_CODES.doesNotFit;
}

/** Runs one command line, without the program's own name, and says what the process should exit with. */
export async function run(args: readonly string[], around: Surroundings): Promise<number> {
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
