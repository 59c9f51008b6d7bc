import type { MlxSettings } from "./settings.ts";

/** Forward passes over the same number of tokens, one after the other. */
export type Calls = { readonly tokens: number; readonly times: number };

/**
 * The passes of one generation (`generate.py`, generate_step): all but the last token of the prompt in steps, then that
 * token and the tokens of the answer one by one. Empty entries are left out.
 */
export function callsOf({ contextTokens, promptTokens, prefillStepSize }: MlxSettings): Calls[] {
  const stepped = promptTokens - 1;
  const calls = [
    { tokens: prefillStepSize, times: Math.floor(stepped / prefillStepSize) },
    { tokens: stepped % prefillStepSize, times: 1 },
    { tokens: 1, times: contextTokens - stepped },
  ];
  return calls.filter(({ tokens, times }) => tokens > 0 && times > 0);
}

/** The passes up to the first after which at least `tokens` tokens are held; all where that many never are. */
export function callsUntil(calls: readonly Calls[], tokens: number): Calls[] {
  const until: Calls[] = [];
  let held = 0;
  for (const call of calls) {
    const times = Math.min(call.times, Math.max(1, Math.ceil((tokens - held) / call.tokens)));
    until.push({ ...call, times });
    held += times * call.tokens;
    if (held >= tokens) break;
  }
  return until;
}
