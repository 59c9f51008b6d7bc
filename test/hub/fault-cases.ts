import { type FaultCase, onHub, refused } from "./fault-case.ts";
import { ECHOES, NAMES, REDIRECTS } from "./faults-of-addresses.ts";
import { LIMITS, RANGES, REFUSALS } from "./faults-of-answers.ts";

export const FAULTS: readonly FaultCase[] = [
  ...RANGES,
  ...REFUSALS,
  ...LIMITS,
  ...REDIRECTS,
  ...NAMES,
  ...ECHOES,
  { title: "nothing, with GGUF", expected: "ok", requests: 3 },
  { title: "nothing, with safetensors", source: "org/llama", expected: "ok", requests: 6 },
  { title: "nothing, with pages", source: "org/paged", expected: "ok" },
  {
    title: "a warning of the hub's is told once per topic",
    source: "org/hundred",
    fault: onHub({ headers: { "x-hf-warning": "deprecation; Move to v2, please." } }),
    expected: "ok",
    says: "Move to v2, please.",
  },
  {
    title: "X-06 a set of which one shard is gone fails at once",
    source: "org/hundred",
    fault: (request) =>
      request.path.includes("model-00003-") ? refused(404, { "x-error-code": "EntryNotFound" }) : undefined,
    expected: "entry-not-found",
    requests: 60,
  },
];
