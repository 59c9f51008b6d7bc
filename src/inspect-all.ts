import type { KnownLayout } from "./formats/gguf/known-layout.ts";
import { type InspectOutcome, outcomeOf, sharedOptions } from "./inspect-models.ts";
import { inspectResolved, type Platform } from "./inspection.ts";
import type { InspectOptions } from "./options.ts";
import { mapBounded } from "./source/pool.ts";
import { resolveSource } from "./source/resolve.ts";
import type { ResolvedSource, SourceOptions } from "./source/resolved.ts";

/** A model of the repo or folder, and how its files are found. */
type Member = { readonly source: string; resolve(): Promise<ResolvedSource> };

/**
 * Every model of a repo or folder. The first GGUF header is read in full; of the others only what differs from it, as long
 * as they are laid out alike.
 */
export async function inspectSiblings(
  source: string | URL,
  options: InspectOptions,
  platform: Platform,
): Promise<readonly InspectOutcome<string>[]> {
  const shared = sharedOptions(options, platform);
  const resolved = await resolveSource(source, shared, platform.openLocal);
  const { siblings = [], ...chosen } = resolved;
  // That there are others is no news here.
  const alone = siblings.length === 0;
  const diagnostics = alone ? chosen.diagnostics : chosen.diagnostics.filter(({ code }) => code !== "not-counted");
  const first: Member = {
    source: (alone ? undefined : resolved.source) ?? String(source),
    resolve: async () => ({ ...chosen, diagnostics }),
  };
  const members: readonly Member[] = [first, ...siblings];
  const strict = options.strict ?? false;
  let known: KnownLayout | undefined;

  function read({ source: name, resolve }: Member, own: SourceOptions): Promise<InspectOutcome<string>> {
    return outcomeOf(name, shared.signal, async () => {
      const { model, layout } = await inspectResolved(await resolve(), own, { platform, strict, known });
      known ??= layout;
      return model;
    });
  }

  // One after another, until one has told the layout.
  const outcomes: InspectOutcome<string>[] = [];
  for (const member of members) {
    if (known !== undefined) break;
    outcomes.push(await read(member, shared));
  }
  const rest = await mapBounded(
    members.slice(outcomes.length),
    shared.limits.concurrency,
    shared.signal,
    (member, _, signal) => read(member, { ...shared, signal }),
  );
  return [...outcomes, ...rest].sort(byPath);
}

function byPath({ source: a }: { readonly source: string }, { source: b }: { readonly source: string }): number {
  return a < b ? -1 : Number(a > b);
}
