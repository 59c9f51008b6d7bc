import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import * as browser from "../src/browser.ts";

const ROOT = join(import.meta.dirname, "..");
const EXAMPLES = join(ROOT, "examples");

type Ran = { readonly exitCode: number; readonly stdout: string; readonly stderr: string };

/** Runs an example as its first lines say: from the root of the repository, with tsx. */
function run(example: string, ...args: readonly string[]): Promise<Ran> {
  const command = ["--import", "tsx", join(EXAMPLES, example), ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, command, { cwd: ROOT }, (error, stdout, stderr) => {
      resolve({ exitCode: typeof error?.code === "number" ? error.code : error === null ? 0 : -1, stdout, stderr });
    });
  });
}

describe("the examples", () => {
  test("are all run here", () => {
    expect(readdirSync(EXAMPLES).sort()).toEqual([
      "browser.html",
      "compare-contexts.ts",
      "gate-deployment.ts",
      "own-byte-source.ts",
    ]);
  });

  test("gate a deployment by the exit code", async () => {
    const fits = await run("gate-deployment.ts");
    expect(fits).toMatchObject({ exitCode: 0, stderr: "" });
    expect(fits.stdout).toMatch(/fits 24 GiB, takes at most \d+ bytes/);
    const tooLarge = await run("gate-deployment.ts", "fixtures/files/demo.gguf", "0.1");
    expect(tooLarge.exitCode).toBe(1);
    expect(tooLarge.stdout).toMatch(/does not fit 0\.1 GiB, takes at most \d+ bytes/);
  });

  test("compare contexts and cache types of one reading", async () => {
    const { exitCode, stdout } = await run("compare-contexts.ts");
    const bytes = [...stdout.matchAll(/tokens, (?:f16|q8_0): (\d+) bytes/g)].map((match) => Number(match[1]));
    expect(exitCode).toBe(0);
    expect(bytes).toHaveLength(6);
    // A q8_0 block holds 32 values in 34 bytes, where f16 takes 64.
    for (const at of [0, 2, 4]) expect((bytes[at + 1] ?? 0) / (bytes[at] ?? 1)).toBe(34 / 64);
    expect(bytes[4]).toBeGreaterThan(bytes[0] ?? 0);
  });

  test("weigh bytes of one's own", async () => {
    const { exitCode, stdout } = await run("own-byte-source.ts");
    expect(exitCode).toBe(0);
    expect(stdout).toContain("llama, 2 layers, 393152 bytes of weights");
    expect(stdout).toMatch(/read \d+ of 397760 bytes/);
  });
});

describe("the page", () => {
  const html = readFileSync(join(EXAMPLES, "browser.html"), "utf8");
  const [, script = ""] = /<script type="module">([\s\S]*?)<\/script>/.exec(html) ?? [];
  const folder = mkdtempSync(join(tmpdir(), "weighin-page-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  test("weighs the chosen file, and shows an error where it cannot", async () => {
    const output = { textContent: "" };
    let change: (() => Promise<void>) | undefined;
    const input = {
      files: [] as File[],
      addEventListener: (_: string, listener: () => Promise<void>) => {
        change = listener;
      },
    };
    const page = { getElementsByTagName: (name: string) => (name === "input" ? [input] : [output]) };
    const code = script.replace(/import \{(.*)\} from "weighin";/, "");
    const file = join(folder, "page.mjs");
    writeFileSync(file, `export const start = (document, { estimateMemory, inspectModel }) => {${code}};`);
    const { start } = await import(/* @vite-ignore */ file);
    start(page, browser);

    input.files = [new File([readFileSync(join(ROOT, "fixtures/files/demo.gguf"))], "demo.gguf")];
    await change?.();
    expect(JSON.parse(output.textContent)).toMatchObject({ architecture: "llama", totals: { weights: 393_152 } });
    input.files = [new File(["<html>"], "page.gguf")];
    await change?.();
    expect(output.textContent).toContain("page.gguf is not a GGUF file");
  });
});
