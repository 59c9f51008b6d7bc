import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openHeaderStore } from "../../src/cli/header-store.ts";
import { type MockHub, startMockHub } from "../hub/mock-hub.ts";
import { writeQuant } from "../quants/llama-3-8b.ts";
import { runCli } from "./surroundings.ts";

const FILES = join(import.meta.dirname, "..", "..", "fixtures", "files");
const LLAMA = join(FILES, "gguf", "llama-3.gguf");
const SAFETENSORS = join(FILES, "safetensors", "llama-3");
let hub: MockHub;
let cache: string;

beforeAll(async () => {
  const gguf = (name: string) => readFileSync(join(FILES, "gguf", `${name}.gguf`));
  const weights = readFileSync(join(SAFETENSORS, "model.safetensors"));
  hub = await startMockHub({
    repos: {
      "org/quants": {
        files: { "m-Q8_0.gguf": gguf("llama-3"), "m-Q4_K_M.gguf": gguf("llama-3-tied"), "m-F16.gguf": gguf("qwen3") },
      },
      "org/plain": {
        files: { "model.safetensors": weights, "config.json": readFileSync(join(SAFETENSORS, "config.json")) },
      },
    },
  });
});

afterAll(() => hub.close());

beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), "weighin-cli-"));
  hub.reset();
  return () => rmSync(cache, { recursive: true, force: true });
});

const cli = (...args: string[]) =>
  runCli([...args, "--endpoint", hub.url], { environment: { WEIGHIN_CACHE: cache }, openHeaderStore });

describe("several models", () => {
  it("are a row each, in the order given", async () => {
    const { exitCode, stdout, stderr } = await cli(LLAMA, SAFETENSORS, "-c", "4k", "-d", "24GiB");
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toMatch(/^2 models, context 4,096, /);
    expect(stdout.indexOf("gguf/llama-3.gguf")).toBeLessThan(stdout.indexOf("safetensors/llama-3"));
    expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
  });

  it("end with 1 when one cannot be read, and show the others", async () => {
    const { exitCode, stdout, stderr } = await cli(LLAMA, "missing.gguf");
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^1 model, 1 not weighed, /);
    expect(stderr).toMatch(/^missing\.gguf\nweighin: There is no file or directory missing\.gguf\./);
  });

  it("end with 3 when one does not fit", async () => {
    expect((await cli(LLAMA, SAFETENSORS, "-d", "cpu:1MiB")).exitCode).toBe(3);
  });

  it("are JSON with the source of each, and the failures among them", async () => {
    const { stdout } = await cli(LLAMA, "missing.gguf", "--json");
    const { models } = JSON.parse(stdout);
    expect(models[0]).toMatchObject({ source: LLAMA, model: { architecture: "llama" }, memory: [{}] });
    expect(models[0].model.tensors).toBeUndefined();
    expect(models[1]).toMatchObject({ source: "missing.gguf", error: { code: "not-found" } });
  });

  it("have no models beside them, and no list of tensors", async () => {
    expect(await cli(LLAMA, SAFETENSORS, "--mmproj", "x.gguf")).toMatchObject({ exitCode: 2 });
    expect(await cli(LLAMA, SAFETENSORS, "--tensors")).toMatchObject({ exitCode: 2 });
  });
});

describe("--all", () => {
  it("shows every quantization by its name, the smallest first", async () => {
    const { exitCode, stdout } = await cli("org/quants", "--all", "-c", "4k");
    expect(exitCode).toBe(0);
    const rows = [...stdout.matchAll(/^ {2}(Q\d\w+|F16) /gm)].map(([, name]) => name);
    expect(rows).toEqual(["Q4_K_M", "Q8_0", "F16"]);
    expect(stdout).toMatch(/files +bits +weights +cache +total/);
  });

  it("ends with 3 only when none fits", async () => {
    expect((await cli("org/quants", "--all", "-d", "cpu:24GiB", "-c", "4k")).exitCode).toBe(0);
    expect((await cli("org/quants", "--all", "-d", "cpu:1MiB", "-c", "4k")).exitCode).toBe(3);
  });

  it("tells of a repo that is not there", async () => {
    expect(await cli("org/nothing", "--all")).toMatchObject({ exitCode: 1, stdout: "" });
  });
});

describe("a second look", () => {
  const weightRequests = () => hub.stats.list.filter(({ path }) => /\.(?:gguf|safetensors)/.test(path)).length;

  it.each([["org/quants:Q8_0"], ["org/quants/m-Q8_0.gguf"], ["org/plain"]])(
    "at %s takes no request for its weights, and says the same",
    async (given) => {
      const source = given.split("/").length > 2 ? `hf://${given.replace("quants/", "quants@main/")}` : given;
      const first = await cli(source, "--json");
      expect(weightRequests()).toBeGreaterThan(0);
      hub.reset();
      const second = await cli(source, "--json");
      expect(weightRequests()).toBe(0);
      const told = ({ stdout }: typeof first) => {
        const { model, memory } = JSON.parse(stdout);
        const { requests, bytesRead, ...from } = model.source;
        return { model: { ...model, source: from }, memory };
      };
      expect(told(second)).toEqual(told(first));
    },
  );

  it("at every quantization takes none either", async () => {
    await cli("org/quants", "--all");
    hub.reset();
    await cli("org/quants", "--all");
    expect(weightRequests()).toBe(0);
  });

  it("at one of them alone relies on nothing that was read by another's layout", async () => {
    hub.repos.set("org/large", {
      files: { "m-Q4_K_M.gguf": writeQuant("Q4_K_M"), "m-Q6_K.gguf": writeQuant("Q6_K") },
    });
    await cli("org/large", "--all");
    hub.reset();
    await cli("org/large", "--all");
    expect(weightRequests()).toBe(0);
    await cli("org/large:Q4_K_M");
    expect(weightRequests()).toBe(0);
    await cli("org/large:Q6_K");
    expect(weightRequests()).toBeGreaterThan(0);
  });

  it("at another commit reads again", async () => {
    await cli("org/quants:Q8_0");
    const repo = hub.repos.get("org/quants");
    if (repo !== undefined) repo.commit = "a".repeat(40);
    hub.reset();
    await cli("org/quants:Q8_0");
    expect(weightRequests()).toBeGreaterThan(0);
    if (repo !== undefined) delete repo.commit;
  });

  it("reads again with --no-cache, which keeps nothing either", async () => {
    await cli("org/plain", "--no-cache");
    expect(readdirSync(cache)).toEqual([]);
    await cli("org/plain");
    hub.reset();
    await cli("org/plain", "--no-cache");
    expect(weightRequests()).toBeGreaterThan(0);
  });

  it("reads again what is damaged", async () => {
    const first = await cli("org/plain");
    for (const entry of readdirSync(cache, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) writeFileSync(join(entry.parentPath, entry.name), "damaged");
    }
    hub.reset();
    expect((await cli("org/plain")).stdout).toBe(first.stdout);
    expect(weightRequests()).toBeGreaterThan(0);
  });

  it("does without a folder that cannot be written", async () => {
    const blocked = join(cache, "file");
    writeFileSync(blocked, "");
    const ran = await runCli(["org/plain", "--endpoint", hub.url], {
      environment: { WEIGHIN_CACHE: blocked },
      openHeaderStore,
    });
    expect(ran).toMatchObject({ exitCode: 0, stderr: "" });
  });
});
