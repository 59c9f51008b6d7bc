import type { Surroundings } from "../../src/cli/run.ts";
import { run } from "../../src/cli/run.ts";

/** What a run left behind. */
export type Ran = { readonly exitCode: number; readonly stdout: string; readonly stderr: string };

/** Runs the command line in a bare world: no environment, no home, no terminal. Fields given replace its own. */
export async function runCli(
  args: readonly string[],
  fields: Partial<Surroundings> & { readonly terminal?: boolean } = {},
): Promise<Ran> {
  const written = { stdout: "", stderr: "" };
  const { terminal = false, ...given } = fields;
  const output = (name: "stdout" | "stderr") => ({
    isTerminal: terminal,
    write: (text: string) => {
      written[name] += text;
    },
  });
  const exitCode = await run(args, {
    version: "1.2.3",
    stdout: output("stdout"),
    stderr: output("stderr"),
    environment: {},
    homeDirectory: "/nonexistent",
    readText: async () => undefined,
    signal: new AbortController().signal,
    now: () => 0,
    ...given,
  });
  return { exitCode, ...written };
}
