import { printable } from "../bytes/printable.ts";
import { type InspectCode, type InspectError, isInspectError } from "../errors.ts";
import type { Style } from "../report/style.ts";
import { OPTION_FLAGS } from "./flags.ts";
import { UsageError } from "./usage-error.ts";

/** What the process ends with; listed in `docs/cli.md`. */
export const EXIT_CODES = { ok: 0, badModel: 1, badUsage: 2, doesNotFit: 3, interrupted: 130 } as const;

/** Codes that blame the command line, not the model. */
const USAGE_CODES: ReadonlySet<InspectCode> = new Set(["invalid-option", "unsupported-option", "unsupported-runtime"]);

const TOKEN_HINT = "a token is given by HF_TOKEN in the environment, or by --token";

/** How what the message advises is done from the command line. */
const HINTS: { readonly [code in InspectCode]?: string } = {
  "not-found": "a source is a file, a directory, a URL, or a Hugging Face repo: org/name, org/name:Q4_K_M",
  gated: TOKEN_HINT,
  unauthorized: TOKEN_HINT,
  "repo-not-found": `a name is looked for as a file or directory first, then on the hub; of Ollama write ollama://model:tag; ${TOKEN_HINT}`,
  "rate-limited": TOKEN_HINT,
  offline: "that is --offline, or HF_HUB_OFFLINE in the environment",
  network: "a proxy: NODE_USE_ENV_PROXY=1 (Node 24); a mirror: --endpoint; the local cache: --offline",
};

function whereText({ message, where }: InspectError): string {
  const facts: readonly (readonly [string, string | number | undefined])[] = [
    ["in", where.source],
    ["tensor", where.tensor],
    ["at byte", where.offset || undefined],
    ["status", where.status],
    ["request id", where.requestId],
  ];
  return facts
    .flatMap(([name, value]) => (value === undefined || message.includes(String(value)) ? [] : `${name} ${value}`))
    .join(", ");
}

/** Library options by the names they have here: `options.contextTokens` and `contextTokens` are `--context`. */
function withFlags(message: string): string {
  return message.replace(/\b(options\.)?([a-z]\w*)/g, (whole, prefix, name) => {
    const isOption = prefix !== undefined || /[A-Z]/.test(name);
    return (isOption && OPTION_FLAGS.get(name)) || whole;
  });
}

/** How an error ends the program: its exit code, and the lines for standard error. */
export type Failure = { readonly exitCode: number; readonly lines: readonly string[] };

/** One clear line, then what else may help. A bug of ours keeps its stack. */
export function failureOf(error: unknown, style: Style): Failure {
  const line = (message: string): string => `${style.bad("weighin:")} ${printable(message)}`;
  const more = (text: string | undefined): string[] => (text ? [style.dim(`  ${printable(text)}`)] : []);
  if (error instanceof UsageError) {
    return {
      exitCode: EXIT_CODES.badUsage,
      lines: [line(error.message), ...more("weighin --help shows the options, with examples")],
    };
  }
  if (isInspectError(error)) {
    const isUsage = USAGE_CODES.has(error.code);
    return {
      exitCode: isUsage ? EXIT_CODES.badUsage : EXIT_CODES.badModel,
      lines: [
        line(withFlags(error.message)),
        ...more(isUsage ? undefined : whereText(error)),
        ...more(HINTS[error.code]),
      ],
    };
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return {
    exitCode: EXIT_CODES.badModel,
    lines: [line("unexpected error, please report it with this:"), ...stack.split("\n").flatMap(more)],
  };
}
