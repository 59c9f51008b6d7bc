import { inspect } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { isInspectError } from "../../src/errors.ts";
import { inspectModel } from "../../src/inspect.ts";
import { inspectModel as inspectInBrowser } from "../../src/inspect-browser.ts";
import { DEFAULT_LIMITS } from "../../src/limits.ts";
import type { Model } from "../../src/model/model.ts";
import type { InspectOptions } from "../../src/options.ts";
import type { FaultCase } from "./fault-case.ts";
import { FAULTS } from "./fault-cases.ts";
import { OTHER_TOKEN, startFaultHub, TOKEN } from "./fault-world.ts";
import { DEFAULT_COMMIT, type MockHub } from "./mock-hub.ts";

let hub: MockHub;
beforeAll(async () => {
  hub = await startFaultHub();
});
afterEach(() => hub.reset());
afterAll(() => hub.close());

const SECRETS = [TOKEN, OTHER_TOKEN, "hf_unknownunknownunknown", "X-Signature", "hunter2"];

/** Everything of an error that a program could print: properties, causes, stacks. */
function allText(value: unknown): string {
  if (!(value instanceof Error)) return JSON.stringify(value) ?? "";
  const own = Object.getOwnPropertyNames(value).map((name) => `${name}=${String(Reflect.get(value, name))}`);
  return [inspect(value, { depth: 10, showHidden: true }), JSON.stringify(value), ...own, allText(value.cause)].join(
    "\n",
  );
}

type Outcome = { readonly model?: Model; readonly error?: unknown; readonly told: readonly unknown[] };

async function outcomeOf(each: FaultCase, inspectIt: typeof inspectModel): Promise<Outcome> {
  const { source = "org/model", token = TOKEN, fault, limits } = each;
  hub.fault = (request) => fault?.(request, hub);
  const told: unknown[] = [];
  const options: InspectOptions = {
    endpoint: hub.url,
    ...(token !== null && { token }),
    limits: { idleTimeoutMs: each.expected === "timeout" ? 300 : 10_000, ...limits },
    onProgress: (progress) => told.push(progress),
  };
  const text = typeof source === "string" ? source : source(hub);
  return inspectIt(text, options).then(
    (model) => ({ model, told }),
    (error: unknown) => ({ error, told }),
  );
}

function expectNoLeak({ model, error, told }: Outcome): void {
  const shown = `${allText(error)}\n${JSON.stringify([model, told])}`;
  for (const secret of SECRETS) expect(shown).not.toContain(secret);
  const elsewhere = JSON.stringify(hub.stats.list.filter(({ origin }) => origin === "cdn"));
  for (const secret of SECRETS.slice(0, 3)) expect(elsewhere).not.toContain(secret);
}

function expectOutcome(each: FaultCase, outcome: Outcome, expected: FaultCase["expected"]): void {
  const { model, error } = outcome;
  if (expected === "ok") {
    if (error !== undefined) throw error;
    const notes = model?.diagnostics.map(({ message }) => message) ?? [];
    if (each.says !== undefined) expect(notes.filter((note) => note.includes(each.says ?? ""))).toHaveLength(1);
  } else {
    if (!isInspectError(error, expected)) throw error ?? new Error("it did not fail");
    if (each.says !== undefined && expected === each.expected) expect(error.message).toContain(each.says);
  }
}

describe("a fault", () => {
  it.each(FAULTS.map((each) => [each.title, each] as const))("%s", async (_, each) => {
    const outcome = await outcomeOf(each, inspectModel);
    expectOutcome(each, outcome, each.expected);
    expectNoLeak(outcome);
    const { list, bodyBytes } = hub.stats;
    if (each.requests !== undefined) expect(list.length).toBeLessThanOrEqual(each.requests);
    if (each.bodyBytes !== undefined) expect(bodyBytes).toBeLessThanOrEqual(each.bodyBytes);
    expect(list.filter(({ method }) => method !== "GET")).toEqual([]);
  });
});

describe("where fetch follows redirects, as in browsers, a fault", () => {
  const followed = FAULTS.filter(({ browser }) => browser !== "skip");
  it.each(followed.map((each) => [each.title, each] as const))("%s", async (_, each) => {
    const outcome = await outcomeOf(each, inspectInBrowser);
    expectOutcome(each, outcome, each.browser === undefined || each.browser === "skip" ? each.expected : each.browser);
    expectNoLeak(outcome);
  });
});

describe("a reader of a hub", () => {
  it("H-09 reads every file at the commit that the listing named, and reports it", async () => {
    const { model } = await outcomeOf({ title: "", source: "org/hundred", expected: "ok" }, inspectModel);
    const files = hub.stats.list.filter(({ path }) => path.includes("/resolve/"));
    expect(files).toHaveLength(100);
    expect(files.every(({ path }) => path.includes(`/resolve/${DEFAULT_COMMIT}/`))).toBe(true);
    expect(model?.source.commit).toBe(DEFAULT_COMMIT);
  });

  it("H-18 rejects with the caller's reason, ends what is under way and leaves no rejection behind", async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => unhandled.push(reason);
    process.on("unhandledRejection", note);
    const reason = { my: "reason" };
    for (const source of ["org/model", "org/llama", "org/hundred"]) {
      for (const stalled of ["/api/", "/resolve/", "X-Signature"]) {
        hub.fault = ({ path }) => (path.includes(stalled) ? { neverAnswer: true } : undefined);
        const caller = new AbortController();
        setTimeout(() => caller.abort(reason), 60);
        const reading = inspectModel(source, { endpoint: hub.url, token: TOKEN, signal: caller.signal });
        await expect(reading).rejects.toBe(reason);
      }
    }
    await expect.poll(() => hub.underWay(), { timeout: 3_000 }).toBe(0);
    process.off("unhandledRejection", note);
    expect(unhandled).toEqual([]);
  });

  it("H-19 sends another origin nothing but what fetching a range takes", async () => {
    await outcomeOf({ title: "", source: "org/gated", expected: "ok" }, inspectModel);
    const names = hub.stats.list
      .filter(({ origin }) => origin === "cdn")
      .flatMap(({ headers }) => Object.keys(headers));
    const harmless = "host connection range user-agent accept accept-encoding accept-language sec-fetch-mode".split(
      " ",
    );
    expect(names.filter((name) => !harmless.includes(name))).toEqual([]);
  });

  it("H-20 does not follow from https to http", async () => {
    const seen: string[] = [];
    const fetch = async (input: unknown) => {
      seen.push(String(input));
      return new Response(null, { status: 302, headers: { location: `${hub.cdnUrl}/x` } });
    };
    const error = await inspectModel("org/model", { fetch, token: TOKEN }).catch((reason: unknown) => reason);
    expect(isInspectError(error, "http-status") && error.message).toContain("from https to http");
    expect(seen).toHaveLength(1);
  });

  it("H-23 asks nothing but by the fetch it is given, which may refuse a host", async () => {
    const allowed = new URL(hub.url).host;
    const asked: string[] = [];
    const fetch: typeof globalThis.fetch = (input, init) => {
      asked.push(new URL(String(input)).host);
      if (asked.at(-1) !== allowed) throw new Error("this host is not allowed");
      return globalThis.fetch(input, init);
    };
    const error = await inspectModel("org/model", { endpoint: hub.url, fetch }).catch((reason: unknown) => reason);
    expect(isInspectError(error, "network") && error.message).toContain("this host is not allowed");
    expect(asked).toContain(new URL(hub.cdnUrl).host);
    expect(hub.stats.cdnRequests).toBe(0);
  });

  it("H-25 takes no endpoint and no token from the environment", async () => {
    const before = { ...process.env };
    Object.assign(process.env, { HF_ENDPOINT: hub.cdnUrl, HF_TOKEN: TOKEN });
    try {
      const asked: Request[] = [];
      const fetch: typeof globalThis.fetch = async (input, init) => {
        asked.push(new Request(String(input), { headers: new Headers(init?.headers) }));
        return new Response(null, { status: 404 });
      };
      await inspectModel("org/model", { fetch }).catch(() => undefined);
      expect(asked.map(({ url, headers }) => [new URL(url).host, headers.get("authorization")])).toEqual([
        ["huggingface.co", null],
      ]);
    } finally {
      process.env = before;
    }
  });

  it("H-26 takes two reads for GGUF, and for safetensors one beside its shards and config.json", async () => {
    const reads = async (source: string) =>
      (await outcomeOf({ title: "", source, expected: "ok" }, inspectModel)).model?.source.requests;
    expect([await reads("org/model"), await reads("org/llama"), await reads("org/hundred")]).toEqual([2, 3, 101]);
  });

  it("H-27 has no more requests under way for a hundred shards than the limit", async () => {
    let open = 0;
    let most = 0;
    const fetch: typeof globalThis.fetch = async (input, init) => {
      if (!String(input).includes("/resolve/")) return globalThis.fetch(input, init);
      open += 1;
      most = Math.max(most, open);
      await new Promise((done) => setTimeout(done, 2));
      return globalThis.fetch(input, init).finally(() => {
        open -= 1;
      });
    };
    await inspectModel("org/hundred", { endpoint: hub.url, fetch });
    expect([most, open]).toEqual([DEFAULT_LIMITS.concurrency, 0]);
    // As many as @huggingface/hub has.
    expect(DEFAULT_LIMITS.concurrency).toBeLessThanOrEqual(20);
  });

  it.each(["abc", "-1", "9".repeat(25), ""])("H-28 takes Content-Length: %j for absent", async (length) => {
    const fetch: typeof globalThis.fetch = async (input, init) => {
      const answer = await globalThis.fetch(input, init);
      const headers = new Headers(answer.headers);
      headers.set("content-length", length);
      headers.delete("content-range");
      const status = answer.status === 206 ? 200 : answer.status;
      return new Response(status < 300 ? answer.body : null, { status, headers });
    };
    const { source } = await inspectModel("org/model", { endpoint: hub.url, fetch });
    expect(source.files[0]?.headerBytes).toBe(4_608);
  });

  it("tells what the hub asks to be told, of each topic the first", async () => {
    hub.fault = ({ path }) => {
      const first = path.startsWith("/api/");
      return {
        headers: {
          "x-hf-warning": first ? "old; Use v2, or v3., ; No topic, plan; Expires; soon" : "old; Later, new; Hi",
        },
      };
    };
    const { diagnostics } = await inspectModel("org/llama", { endpoint: hub.url });
    expect(diagnostics.map(({ code, where, message }) => [code, where, message])).toEqual([
      ["server-warning", "old", "Use v2, or v3., ; No topic"],
      ["server-warning", "plan", "Expires; soon"],
      ["server-warning", "new", "Hi"],
    ]);
    const strict = inspectModel("org/llama", { endpoint: hub.url, strict: true }).catch((reason: unknown) => reason);
    expect(isInspectError(await strict, "server-warning")).toBe(true);
  });

  it("never hands on what a fetch attaches to its error", async () => {
    const fetch = async () => {
      const config = { headers: { Authorization: `Bearer ${TOKEN}` } };
      throw Object.assign(new Error(`refused Bearer ${TOKEN}`, { cause: new Error(TOKEN) }), {
        config,
        code: "EREFUSED",
      });
    };
    const error = await inspectModel("org/model", { endpoint: hub.url, token: TOKEN, fetch }).catch(
      (reason: unknown) => reason,
    );
    expect(isInspectError(error, "network") && error.message).toContain("[token]");
    expect(error).toMatchObject({ cause: { code: "EREFUSED", cause: { message: "[token]" } } });
    expectNoLeak({ error, told: [] });
  });
});
