import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { isInspectError } from "../../src/errors.ts";
import { inspectModel } from "../../src/inspect.ts";
import type { Model } from "../../src/model/model.ts";
import { displayWidth } from "../../src/report/width.ts";
import type { ByteSource } from "../../src/source/byte-source.ts";
import { runCli } from "../cli/surroundings.ts";
import { type GgufKeySpec, writeGguf } from "../formats/write-gguf.ts";
import { writeSafetensors } from "../formats/write-safetensors.ts";

const FIXTURES = join(import.meta.dirname, "../../fixtures/files");
const LLAMA = join(FIXTURES, "safetensors/llama-3");
const config = JSON.parse(readFileSync(join(LLAMA, "config.json"), "utf8")) as Record<string, unknown>;
const weights = readFileSync(join(LLAMA, "model.safetensors"));
const LAYERS = config["num_hidden_layers"];
/** Members of every object: where one is used as a map, they are there before anything is put in. */
const MEMBERS = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty"];

const folder = mkdtempSync(join(tmpdir(), "weighin-strings-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function written(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

function source(path: string, bytes: Uint8Array): ByteSource {
  return { size: bytes.byteLength, label: path, path, read: async (start, end) => bytes.subarray(start, end) };
}
const text = (value: string) => new TextEncoder().encode(value);
/** The llama fixture with another config.json. */
const withConfig = (content: string) =>
  inspectModel([source("config.json", text(content)), source("model.safetensors", weights)]);
const withKey = (key: string, value: unknown) => withConfig(JSON.stringify({ ...config, [key]: value }));
const gguf = (keys: readonly GgufKeySpec[]) =>
  inspectModel(
    source("m.gguf", writeGguf({ keys: [{ key: "general.architecture", type: "string", value: "llama" }, ...keys] })),
  );
const llama: Promise<Model> = inspectModel(LLAMA);

describe("strings and values that nobody vouches for", () => {
  it("U-01 take the names of an object's members as names: tensors", async () => {
    const names = MEMBERS.map((name, i) => [name, { dtype: "F32", shape: [1], data_offsets: [4 * i, 4 * i + 4] }]);
    const header = `{${names.map(([name, entry]) => `"${name}":${JSON.stringify(entry)}`).join(",")}}`;
    const model = await inspectModel(
      source("m.safetensors", writeSafetensors({ header, dataBytes: 4 * names.length })),
    );
    expect(model.tensors.map(({ name }) => name).sort()).toEqual([...MEMBERS].sort());
    expect(Object.keys({}.constructor.prototype)).toEqual([]);
  });

  it("U-01 take the names of an object's members as names: keys of a config.json and of a GGUF file", async () => {
    const content = `{${MEMBERS.map((name) => `"${name}":{"polluted":1}`).join(",")},${JSON.stringify(config).slice(1)}`;
    const keys = MEMBERS.map((key): GgufKeySpec => ({ key, type: "u32", value: 1 }));
    for (const model of [await withConfig(content), await gguf(keys)]) {
      for (const name of MEMBERS) expect(Object.hasOwn(model.metadata, name)).toBe(true);
      expect(Object.getPrototypeOf(model.metadata)).toBe(Object.prototype);
    }
    expect(Reflect.get({}, "polluted")).toBeUndefined();
  });

  it("U-02 are escaped on a screen, and left to JSON's own escapes in JSON", async () => {
    const name = "\u001b]52;c;aGk=\u0007\u001b[2J\u009b31m\u007f";
    const bytes = writeGguf({
      keys: ["general.architecture", "general.name"].map((key) => ({ key, type: "string", value: name }) as const),
      tensors: [{ name, shape: [1] }],
      dataBytes: 32,
    });
    const file = written("m.gguf", bytes);
    for (const args of [
      [file, "--tensors"],
      [file, "--tensors", "--json"],
    ]) {
      const { stdout, stderr, exitCode } = await runCli(args);
      expect(exitCode).toBe(0);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not be there
      expect(stdout + stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    }
  });

  it("U-04 are cut on a screen when they are long, and whole in JSON", async () => {
    const name = "模".repeat(2_000);
    const keys = ["general.architecture", "general.name"].map((key) => ({ key, type: "string", value: name }) as const);
    const file = written("long.gguf", writeGguf({ keys, tensors: [{ name: "a", shape: [1] }], dataBytes: 32 }));
    const { stdout } = await runCli([file]);
    expect(Math.max(...stdout.split("\n").map(displayWidth))).toBeLessThanOrEqual(80);
    expect((await runCli([file, "--json"])).stdout).toContain(name);
  });

  it.each<[string, unknown]>([
    ["1e308", 1e308],
    ["-1", -1],
    ["a text", "32"],
    ["null", null],
    ["a list", [1, 2]],
    ["beyond 2^53", 2 ** 60],
    ["a fraction", 1.5],
  ])("U-07 a layer count that is %s does not outvote the tensors", async (_, value) => {
    const model: unknown = await withKey("num_hidden_layers", value);
    expect(model).toMatchObject({ layerCount: LAYERS, weights: (await llama).weights });
  });

  it("U-07 a config.json that says NaN, or a key twice, is read as Python does", async () => {
    const body = JSON.stringify(config).slice(1);
    expect((await withConfig(`{"rms_norm_eps_other":NaN,${body}`)).layerCount).toBe(LAYERS);
    expect((await withConfig(`{"num_hidden_layers":99,${body}`)).layerCount).toBe(LAYERS);
  });

  it.each([
    ["nested 100,000 deep", (): string => `{"a":${"[".repeat(100_000)}`, "limit-exceeded"],
    ["of 50 MB", (): string => `{"a":"${"x".repeat(50_000_000)}"}`, "limit-exceeded"],
    ["no object", (): string => "[]", "invalid-json"],
    ["no JSON", (): string => "<html>", "invalid-json"],
  ] as const)("U-07 a config.json %s is refused at once", async (_, content, code) => {
    const startedAtMs = performance.now();
    const error = await withConfig(content()).catch((reason: unknown) => reason);
    expect(isInspectError(error, code) && error.message).toContain("config.json");
    expect(performance.now() - startedAtMs).toBeLessThan(2_000);
  });

  it("U-08 patterns of a quantization are never run as regular expressions", async () => {
    const evil = `re:^(${"(a+)+".repeat(30)})+$`;
    const group = {
      targets: [evil, "Linear"],
      weights: { num_bits: 4, type: "int", strategy: "group", group_size: 32 },
    };
    const quantization = { quant_method: "compressed-tensors", ignore: [evil], config_groups: { group_0: group } };
    const startedAtMs = performance.now();
    const model = await withKey("quantization_config", quantization).catch((error: unknown) => error);
    if (!isInspectError(model)) expect(model).toMatchObject({ layerCount: LAYERS });
    expect(performance.now() - startedAtMs).toBeLessThan(2_000);
  });

  it("U-09 code of a repo is reported and never opened", async () => {
    const opened: string[] = [];
    const noted = (path: string, bytes: Uint8Array): ByteSource => {
      const made = source(path, bytes);
      return {
        ...made,
        read(start, end): Promise<Uint8Array> {
          opened.push(path);
          return made.read(start, end);
        },
      };
    };
    const auto_map = { AutoModelForCausalLM: "modeling_evil.EvilForCausalLM" };
    const model = await inspectModel([
      noted("config.json", text(JSON.stringify({ ...config, auto_map, trust_remote_code: true }))),
      noted("modeling_evil.py", text("import os")),
      noted("pytorch_model.bin", text("PK")),
      noted("model.safetensors", weights),
    ]);
    expect(model.metadata).toMatchObject({ auto_map });
    expect([...new Set(opened)].sort()).toEqual(["config.json", "model.safetensors"]);
  });

  it("U-10 numbers beyond 2^53 are kept whole, as text", async () => {
    const { metadata } = await gguf([{ key: "llama.huge", type: "u64", value: 2n ** 63n + 1n }]);
    expect(metadata["llama.huge"]).toBe("9223372036854775809");
  });

  it("U-11 what a file says of its own size is never used in a sum", async () => {
    const { parameters } = await llama;
    const model = await withKey("num_parameters", 1);
    expect(model.parameters).toEqual(parameters);
    const claims: readonly GgufKeySpec[] = [
      { key: "general.parameter_count", type: "u64", value: 7n },
      { key: "general.size_label", type: "string", value: "70B" },
    ];
    expect((await gguf(claims)).parameters.total).toBe(0);
  });

  it("U-12 tensors fit their files, and layers are as many as were declared, in every fixture", async () => {
    const folders = readdirSync(join(FIXTURES, "safetensors")).map((name) => join(FIXTURES, "safetensors", name));
    const files = readdirSync(join(FIXTURES, "gguf"))
      .filter((name) => name.endsWith(".gguf") && !/-of-/.test(name))
      .map((name) => join(FIXTURES, "gguf", name));
    for (const path of [...folders, ...files]) {
      const model = await inspectModel(path);
      const fileBytes = model.source.files.reduce((sum, { bytes }) => sum + bytes, 0);
      expect(model.weights.bytes).toBeLessThanOrEqual(fileBytes);
      expect(model.parameters.total).toBeLessThanOrEqual(8 * fileBytes);
      // Heads that predict further tokens are layers that are not counted.
      expect(model.layers.length).toBeGreaterThanOrEqual(model.layerCount ?? Number.NaN);
    }
    expect(folders.length + files.length).toBeGreaterThan(20);
  });
});
