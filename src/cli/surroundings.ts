import type { Environment, ReadText } from "./environment.ts";
import type { OpenHeaderStore } from "./header-store.ts";

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
  /** Opens the folder that keeps headers; without it none are kept. */
  readonly openHeaderStore?: OpenHeaderStore;
  /** Told of a token, which the outputs must not show from then on. */
  readonly hideToken?: (token: string | undefined) => void;
  /** Aborts when the user interrupts. */
  readonly signal: AbortSignal;
  /** A clock in milliseconds. */
  readonly now: () => number;
};
