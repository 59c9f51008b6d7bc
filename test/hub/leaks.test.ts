import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { writeGguf } from "../formats/write-gguf.ts";
import { FAULTS } from "./fault-cases.ts";
import { OTHER_TOKEN, startFaultHub, TOKEN } from "./fault-world.ts";
import type { MockHub } from "./mock-hub.ts";

const ROOT = join(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "weighin-leaks-"));
const program = join(folder, "cli.mjs");
let hub: MockHub;

beforeAll(async () => {
  // The program as one file, since starting it once per fault from its sources would take minutes.
  await build({
    absWorkingDir: ROOT,
    entryPoints: ["src/cli/main.ts"],
    outfile: program,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "error",
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
  });
  hub = await startFaultHub();
}, 60_000);
afterEach(() => hub.reset());
afterAll(async () => {
  await hub.close();
  rmSync(folder, { recursive: true, force: true });
});

type Ran = { readonly code: number; readonly printed: string };

/** Runs the program as a process of its own, which finds nothing on disk, and keeps every byte it prints. */
async function weighin(args: readonly string[], environment: Record<string, string>): Promise<Ran> {
  const home = mkdtempSync(join(folder, "home-"));
  const child = spawn(process.execPath, [program, ...args], {
    cwd: folder,
    env: { PATH: process.env["PATH"], HOME: home, HF_HUB_DOWNLOAD_TIMEOUT: "1", NODE_DEBUG: "", ...environment },
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
    });
  }
  const [code] = await once(child, "close");
  return { code, printed };
}

function expectNoLeak({ stats }: MockHub, printed: string): void {
  for (const secret of [TOKEN, OTHER_TOKEN, "unknownunknown", "X-Signature", "hunter2"]) {
    expect(printed).not.toContain(secret);
  }
  const elsewhere = JSON.stringify(stats.list.filter(({ origin }) => origin === "cdn"));
  for (const secret of [TOKEN, OTHER_TOKEN, "unknownunknown"]) expect(elsewhere).not.toContain(secret);
}

describe("the command line, with a token, under the fault", () => {
  // Each has a hub of its own, so that several processes can run at once.
  it.concurrent.each(FAULTS.map((each) => [each.title, each] as const))("%s", async (_, each) => {
    const { source = "org/model", token = TOKEN, fault, expected, limits } = each;
    const own = await startFaultHub();
    own.fault = (request) => fault?.(request, own);
    const text = typeof source === "string" ? source : source(own);
    const secret = token === null ? {} : { HF_TOKEN: token };
    const { code, printed } = await weighin(["--json", "--tensors", "--endpoint", own.url, text], secret);
    await own.close();
    expectNoLeak(own, printed);
    // Nothing that a file, a name or a server says may move the cursor or turn the line around.
    // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not be there
    expect(printed).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b\u2028-\u202e\u2066-\u2069]/);
    expect(printed).not.toContain("unexpected error");
    if (limits === undefined) expect(code).toBe(expected === "ok" ? 0 : 1);
  });
});

describe("the command line", () => {
  const flags = () => ["org/gated", "--endpoint", hub.url, "--json"];

  it.each<[string, string[], Record<string, string>]>([
    ["an option", ["--token", TOKEN], {}],
    ["an option with =", [`--token=${TOKEN}`], {}],
    ["the environment", [], { HF_TOKEN: TOKEN }],
    ["the environment's old name", [], { HUGGING_FACE_HUB_TOKEN: TOKEN }],
    ["the environment, with a line break", [], { HF_TOKEN: `${TOKEN}\n` }],
  ])("takes the token from %s, sends it to the hub and shows it nowhere", async (_, args, environment) => {
    const { code, printed } = await weighin([...flags(), ...args], environment);
    expect(code).toBe(0);
    expect(hub.stats.list[0]?.authorization).toBe(`Bearer ${TOKEN}`);
    expectNoLeak(hub, printed);
  });

  it("takes the endpoint from HF_ENDPOINT", async () => {
    const { code } = await weighin(["org/model", "--json"], { HF_ENDPOINT: `${hub.url}/`, HF_TOKEN: TOKEN });
    expect([code, hub.stats.hubRequests]).toEqual([0, 2]);
  });

  it("sends no stored token where that is switched off", async () => {
    const { code } = await weighin(flags(), { HF_TOKEN: TOKEN, HF_HUB_DISABLE_IMPLICIT_TOKEN: "1" });
    expect([code, hub.stats.list[0]?.authorization]).toEqual([1, undefined]);
  });

  it.each<[string, string[]]>([
    ["an option that is none", ["--tokn", TOKEN]],
    ["a second source", ["org/other", "--token", TOKEN]],
    ["a token with spaces", ["--token", `${TOKEN} ${TOKEN}`]],
    ["an endpoint with a password", ["--endpoint", "http://me:hunter2@127.0.0.1"]],
    ["a pasted line with a token", ["--", "llama-cli", "-hf", "org/gated", "--hf-token", TOKEN]],
  ])("shows no secret for %s", async (_, args) => {
    const { printed } = await weighin(["org/gated", "--endpoint", hub.url, ...args], {});
    expect(printed).not.toBe("");
    expectNoLeak(hub, printed);
  });

  it("shows no token that a file's own metadata repeats", async () => {
    const keys = ["general.architecture", "general.name"].map(
      (key) => ({ key, type: "string", value: TOKEN }) as const,
    );
    hub.repos.set("org/echo", { files: { "m.gguf": writeGguf({ keys }) } });
    for (const output of [["--json"], []]) {
      const { printed } = await weighin(["org/echo", "--endpoint", hub.url, ...output], { HF_TOKEN: TOKEN });
      expect(printed).toContain("[token]");
      expectNoLeak(hub, printed);
    }
  });
});
