import { createColors } from "picocolors";
import { printable } from "../bytes/printable.ts";
import { type InspectCode, isInspectError } from "../errors.ts";
import { inspectModel } from "../inspect.ts";
import type { Model } from "../model/model.ts";
import type { InspectOptions } from "../options.ts";
import { reportJson } from "../report/json.ts";
import { screen } from "../report/screen.ts";
import type { Style } from "../report/style.ts";
import { tensorsSection } from "../report/tensors-section.ts";
import { type Refusal, type RuntimeReport, weigh, worstVerdict } from "../report/weigh.ts";
import { wrap } from "../report/width.ts";
import type { Workload } from "../runtimes/workload.ts";
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

/** The surroundings with the tokens that must not be shown. */
type Guarded = Surroundings & { readonly tokens: Set<string> };

/** Shorter ones are no tokens, and would tear holes into the text around them. */
const LEAST_TOKEN_CHARACTERS = 8;

/** The same surroundings, whose outputs never show a token once it is known: a hub may answer with it anywhere. */
function withoutTokens(around: Surroundings): Guarded {
  const tokens = new Set<string>();
  const guarded = (output: Output): Output => ({
    ...output,
    write(text) {
      output.write([...tokens].reduce((clean, token) => clean.replaceAll(token, "[token]"), text));
    },
  });
  return { ...around, stdout: guarded(around.stdout), stderr: guarded(around.stderr), tokens };
}

async function read(source: string, request: Request, around: Guarded): Promise<Model> {
  const progress = progressLine((text) => around.stderr.write(text), around.now);
  const { offline, ...settings } = await hubSettings(around.environment, around.homeDirectory, around.readText);
  for (const token of [settings.token, request.reading.token]) {
    if (token !== undefined && token.length >= LEAST_TOKEN_CHARACTERS) around.tokens.add(token);
  }
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

/** What is told of a model: the runtimes that take it, and of all those asked at once the ones that do not. */
type Weighed = { readonly reports: readonly RuntimeReport[]; readonly refusals: readonly Refusal[] };

/** Codes that say what a runtime does not do. */
const REFUSAL_CODES: ReadonlySet<InspectCode> = new Set(["unsupported-runtime", "unsupported-option"]);

function weighAll(model: Model, workloads: readonly Workload[], askedForAll: boolean): Weighed {
  const reports: RuntimeReport[] = [];
  const refusals: Refusal[] = [];
  for (const workload of workloads) {
    try {
      reports.push(weigh(model, workload));
    } catch (error) {
      const isRefusal = isInspectError(error) && REFUSAL_CODES.has(error.code);
      if (!askedForAll || !isRefusal) throw error;
      refusals.push({ runtime: workload.runtime, code: error.code, message: error.message });
    }
  }
  return { reports, refusals };
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
  const columns = Math.max(COLUMNS.least, Math.min(COLUMNS.most, around.stdout.columns ?? COLUMNS.most));
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

async function weighRequest(request: Request, around: Guarded): Promise<number> {
  if (Array.isArray(request.runtimes)) checkOwnOptions(request, request.runtimes);
  for (const note of request.notes) around.stderr.write(`weighin: ${printable(note)}\n`);
  const model = await read(request.source, request, around);
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
  const around = withoutTokens(surroundings);
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
