#!/usr/bin/env node
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import process from "node:process";
import { version } from "../../package.json";
import { openHeaderStore } from "./header-store.ts";
import { type Output, run } from "./run.ts";

/** A token file is a line; anything longer is not one. */
const TOKEN_FILE_CHARACTERS = 4096;

async function readText(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, "utf8")).slice(0, TOKEN_FILE_CHARACTERS);
  } catch {
    return undefined;
  }
}

function outputOf(stream: NodeJS.WriteStream): Output {
  // `weighin model | head` closes the pipe early: that is no failure.
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") return;
    process.exitCode = 1;
    if (stream !== process.stderr) process.stderr.write(`weighin: cannot write the output: ${error.message}\n`);
  });
  return { isTerminal: stream.isTTY === true, columns: stream.columns, write: (text) => void stream.write(text) };
}

const interruption = new AbortController();
// Once: a second Ctrl-C ends the process the usual way.
process.once("SIGINT", () => interruption.abort());

process.exitCode = await run(process.argv.slice(2), {
  version,
  stdout: outputOf(process.stdout),
  stderr: outputOf(process.stderr),
  environment: process.env,
  homeDirectory: homedir(),
  readText,
  openHeaderStore,
  signal: interruption.signal,
  now: () => performance.now(),
});
