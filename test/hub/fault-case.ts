import type { InspectCode } from "../../src/errors.ts";
import type { Limits } from "../../src/limits.ts";
import { DEFAULT_COMMIT, type Fault, type MockHub, type MockRequest } from "./mock-hub.ts";

/** One thing a server, a name or a caller can do, and what must come of it. */
export type FaultCase = {
  /** Begins with its number in the list of robustness anchors, where it has one. */
  readonly title: string;
  /** `org/model` by default. */
  readonly source?: string | ((hub: MockHub) => string);
  /** `TOKEN` by default; null for none. */
  readonly token?: string | null;
  readonly fault?: (request: MockRequest, hub: MockHub) => Fault | undefined;
  readonly limits?: Partial<Limits>;
  readonly expected: "ok" | InspectCode;
  /** What the message says, or for `ok` a diagnostic. */
  readonly says?: string;
  /** Most requests to both origins. */
  readonly requests?: number;
  /** Most bytes that may leave the servers. */
  readonly bodyBytes?: number;
  /** Where `fetch` follows redirects itself: another outcome, or none to check. */
  readonly browser?: InspectCode | "skip";
};

type Rule = (request: MockRequest, hub: MockHub) => Fault | undefined;
/** Bends the answers to some requests: of every address the `from`th to the `to`th, else all. */
type Bend = (fault: Fault | ((request: MockRequest, hub: MockHub) => Fault), from?: number, to?: number) => Rule;

function at(origin: "hub" | "cdn", path: RegExp): Bend {
  return (fault, from = 1, to = Number.POSITIVE_INFINITY) =>
    (request, hub) => {
      const isIt = request.origin === origin && path.test(request.path) && request.count >= from && request.count <= to;
      return isIt ? (typeof fault === "function" ? fault(request, hub) : fault) : undefined;
    };
}

export const onCdn: Bend = at("cdn", /./);
export const onInfo: Bend = at("hub", /^\/api\/models\/[^?]*\/revision\//);
export const onTree: Bend = at("hub", /\/tree\/[0-9a-f]{40}/);
export const onResolve: Bend = at("hub", /\/resolve\//);
export const onHub: Bend = at("hub", /./);
/** Where the range asked for begins. */
export const start = ({ range }: MockRequest): number => Number(/\d+/.exec(range ?? "")?.[0] ?? 0);
export const redirect = (location: string): Fault => ({ status: 302, headers: { location } });
export const listing = (...names: string[]): Fault => {
  const siblings = names.map((rfilename) => ({ rfilename }));
  return { status: 200, body: JSON.stringify({ id: "org/model", sha: DEFAULT_COMMIT, siblings }) };
};
export const refused = (status: number, headers: Record<string, string> = {}): Fault => ({ status, headers });
