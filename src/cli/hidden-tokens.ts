import type { Output, Surroundings } from "./surroundings.ts";

/** Shorter ones are no tokens, and would tear holes into the text around them. */
const LEAST_TOKEN_CHARACTERS = 8;

/** The same surroundings, whose outputs never show a token once it is known: a hub may answer with it anywhere. */
export function hidingTokens(around: Surroundings): Surroundings {
  const tokens = new Set<string>();
  const hiding = (output: Output): Output => ({
    ...output,
    write(text) {
      output.write([...tokens].reduce((clean, token) => clean.replaceAll(token, "[token]"), text));
    },
  });
  return {
    ...around,
    stdout: hiding(around.stdout),
    stderr: hiding(around.stderr),
    hideToken(token) {
      if (token !== undefined && token.length >= LEAST_TOKEN_CHARACTERS) tokens.add(token);
    },
  };
}
