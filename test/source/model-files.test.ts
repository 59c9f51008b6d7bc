import { describe, expect, it } from "vitest";
import { DEFAULT_LIMITS } from "../../src/limits.ts";
import { chooseModelFiles, type Wanted } from "../../src/source/model-files.ts";
import { parseShardName, shardSet } from "../../src/source/shard-name.ts";
import { failure } from "./reading.ts";

const shards = (count: number, stem = "model-", from = 1, digits = 5) =>
  Array.from(
    { length: count },
    (_, i) => `${stem}${String(from + i).padStart(5, "0")}-of-${String(count).padStart(digits, "0")}.safetensors`,
  );

function choose(paths: readonly string[], wanted: Wanted = {}, index?: object, indexIsCheap = false) {
  let indexReads = 0;
  const listing = {
    label: "org/name",
    files: paths.map((path) => ({ path, bytes: 1_000 })),
    indexIsCheap,
    limits: DEFAULT_LIMITS,
    readIndex: async () => {
      indexReads += 1;
      return JSON.stringify(index ?? {});
    },
  };
  return chooseModelFiles(listing, wanted).then((chosen) => ({ ...chosen, indexReads }));
}
const mapTo = (...files: string[]) => ({ weight_map: Object.fromEntries(files.map((file, i) => [`t${i}`, file])) });
const INDEX = "model.safetensors.index.json";

describe("shard names seen in real sets", () => {
  it.each([
    ["model-00001-of-00005.safetensors", 1, 5, "model-"],
    ["model_00001-of-00072.safetensors", 1, 72, "model_"],
    ["model-00001-of-000163.safetensors", 1, 163, "model-"],
    ["model-00000-of-00413.safetensors", 0, 413, "model-"],
    ["Q4/grok-1-Q4_K-00003-of-00009.gguf", 3, 9, "Q4/grok-1-Q4_K-"],
  ])("reads %s", (name, index, total, stem) => {
    expect(parseShardName(name)).toMatchObject({ index, total, stem });
  });

  it.each([
    "model.safetensors",
    "model-00006-of-00005.safetensors",
    "model-00001-of-00000.gguf",
    "a-1-of-2.gguf",
    "00001-of-00002.gguf",
  ])("sees none in %s", (name) => {
    expect(parseShardName(name)).toBeUndefined();
  });

  it("pads the names of the other parts alike", () => {
    const shard = parseShardName("model-00002-of-000003.safetensors");
    expect(shard && shardSet(shard, false)).toEqual(shards(3, "model-", 1, 6));
  });
});

describe("which safetensors files are the model", () => {
  it.each([
    ["model.safetensors alone", ["config.json", "model.safetensors"], ["model.safetensors"]],
    ["a complete set", [...shards(3)], shards(3)],
    ["a set numbered from zero", [...shards(3, "model-", 0)], shards(3, "model-", 0)],
    ["a set with an underscore", [...shards(2, "model_")], shards(2, "model_")],
    ["a set with a six-digit total", [...shards(1, "model-", 1, 6)], shards(1, "model-", 1, 6)],
    ["not consolidated copies", ["consolidated.safetensors", ...shards(2)], shards(2)],
    ["not adapters", ["adapter_model.safetensors", "model.safetensors"], ["model.safetensors"]],
    [
      "not other folders",
      ["original/model.safetensors", "metal/model.safetensors", "onnx/x.safetensors", ...shards(2)],
      shards(2),
    ],
    ["model.safetensors before variants", ["model.fp16.safetensors", "model.safetensors"], ["model.safetensors"]],
    ["the only file", ["gptq_model-4bit-128g.safetensors"], ["gptq_model-4bit-128g.safetensors"]],
    ["an adapter when it is all there is", ["adapter_model.safetensors"], ["adapter_model.safetensors"]],
  ])("takes %s", async (_, paths, expected) => {
    const chosen = await choose(paths);
    expect(chosen).toMatchObject({ format: "safetensors", paths: expected, indexReads: 0 });
  });

  it("does not fetch an index where names say as much, and reads it where it costs nothing", async () => {
    expect((await choose([INDEX, ...shards(2)], {}, mapTo(...shards(2)))).indexReads).toBe(0);
    expect(await choose([INDEX, ...shards(2)], {}, mapTo(...shards(2)), true)).toMatchObject({
      indexReads: 1,
      paths: shards(2),
      index: { files: shards(2) },
    });
  });

  it("lets the index decide where names do not", async () => {
    expect(
      await choose(
        [INDEX, "weights.00.safetensors", "weights.01.safetensors"],
        {},
        mapTo("weights.00.safetensors", "weights.01.safetensors"),
      ),
    ).toMatchObject({
      paths: ["weights.00.safetensors", "weights.01.safetensors"],
    });
    expect(await choose([INDEX, "model.safetensors", ...shards(2)], {}, mapTo(...shards(2)))).toMatchObject({
      paths: shards(2),
    });
  });

  it("takes model.safetensors when the shards of an old index are gone, and says so", async () => {
    const chosen = await choose([INDEX, "model.safetensors"], {}, mapTo(...shards(2)));
    expect(chosen).toMatchObject({ paths: ["model.safetensors"], diagnostics: [{ code: "index-mismatch" }] });
  });

  it.each([
    ["by its names", [...shards(254).slice(0, 48)], undefined],
    ["by its index", [INDEX, ...shards(254).slice(0, 48)], mapTo(...shards(254))],
  ])("refuses an incomplete set, %s", async (_, paths, index) => {
    const error = await failure(choose(paths, {}, index), "missing-shard");
    expect(error.message).toContain("206 of 254 files");
    expect(error.message).toContain("model-00049-of-00254.safetensors");
  });

  it("never counts to a number only a file name claims", async () => {
    await failure(choose(["model-00001-of-65535000.safetensors"]), "limit-exceeded");
  });

  it("asks which one is meant when there are several unrelated files", async () => {
    await failure(choose(["a.safetensors", "b.safetensors"]), "invalid-source");
  });

  it("completes the set of a shard that is named", async () => {
    expect((await choose(shards(3), { path: shards(3)[1] ?? "" })).paths).toEqual(shards(3));
  });

  it("keeps to a folder that is named", async () => {
    const chosen = await choose(["model.safetensors", "text_encoder/model.safetensors"], { path: "text_encoder" });
    expect(chosen.paths).toEqual(["text_encoder/model.safetensors"]);
  });

  it.each([
    [["pytorch_model.bin", "config.json"], "pickle"],
    [["README.md"], "README.md"],
    [[], "No file lies in it"],
    [["mmproj-model-f16.gguf"], "holds no model. It holds mmproj-model-f16.gguf. Those GGUF files go with a model"],
    [["model_index.json", "unet/diffusion_pytorch_model.safetensors"], "name the folder of one of them"],
  ])("finds no model in %j and says what there is", async (paths, says) => {
    const error = await failure(choose(paths), "no-model");
    expect(error.message).toContain(says);
  });

  it("never opens a pickle that is named", async () => {
    await failure(choose(["pytorch_model.bin"], { path: "pytorch_model.bin" }), "no-model");
    await failure(choose(["a.gguf"], { path: "b.gguf" }), "entry-not-found");
  });
});

describe("which GGUF file is the model", () => {
  it("names files without a tag by their paths, and sizes only where they are known", async () => {
    const { diagnostics } = await choose(["b.gguf", "a.gguf"]);
    expect(diagnostics).toMatchObject([
      { code: "not-counted", message: expect.stringContaining("There are also b.gguf") },
    ]);
    const beside = await choose(["model.safetensors", "other.gguf"]);
    expect(beside.diagnostics).toMatchObject([{ message: expect.stringContaining("GGUF is there too: other.gguf") }]);
    const listing = {
      label: "org/name",
      files: [{ path: "m-Q8_0.gguf" }],
      indexIsCheap: false,
      limits: DEFAULT_LIMITS,
      readIndex: async () => "{}",
    };
    const error = await failure(chooseModelFiles(listing, { quant: "Q4_0" }), "quant-not-found");
    expect(error.message).toMatch(/It has Q8_0\.$/);
  });

  it("is none where a quantization is named and there are only safetensors", async () => {
    const error = await failure(choose(["model.safetensors"], { quant: "Q4_0" }), "quant-not-found");
    expect(error.message).toContain("leave the quantization out");
  });

  const QUANTS = ["m-Q2_K.gguf", "m-Q4_K_M.gguf", "m-Q8_0.gguf", "mmproj-m-f16.gguf", "m.imatrix.gguf"];

  it.each([
    [QUANTS, undefined, "m-Q4_K_M.gguf"],
    [QUANTS, "latest", "m-Q4_K_M.gguf"],
    [QUANTS, "q8_0", "m-Q8_0.gguf"],
    [QUANTS, "m-Q2_K.gguf", "m-Q2_K.gguf"],
    [["m-Q2_K.gguf", "m-Q8_0.gguf"], undefined, "m-Q8_0.gguf"],
    [["m-Q6_K.gguf", "m-Q5_0.gguf"], undefined, "m-Q5_0.gguf"],
    [["m-UD-Q4_K_M.gguf"], "Q4_K_M", "m-UD-Q4_K_M.gguf"],
    [["BF16/m.gguf", "Q4_K_M/m-Q4_K_M.gguf"], "BF16", undefined],
    [["m-Q4_K_M_L.gguf", "m-Q4_K_M-imat.gguf"], "Q4_K_M", "m-Q4_K_M-imat.gguf"],
  ])("of %j with %s takes %s", async (paths, quant, expected) => {
    const choosing = choose(paths, quant === undefined ? {} : { quant });
    if (expected === undefined) await failure(choosing, "quant-not-found");
    else expect((await choosing).paths).toEqual([expected]);
  });

  it("says what it chose and what else there is", async () => {
    const { diagnostics } = await choose(QUANTS);
    expect(diagnostics[0]?.message).toBe(
      "No quantization was named: m-Q4_K_M.gguf was chosen. There are also Q2_K, Q8_0.",
    );
    expect((await choose(["m-Q4_K_M.gguf"])).diagnostics).toEqual([]);
  });

  it("lists what there is, with sizes, when a quantization is not", async () => {
    const error = await failure(
      choose([...QUANTS, "m-F16-00001-of-00002.gguf", "m-F16-00002-of-00002.gguf"], { quant: "IQ1_S" }),
      "quant-not-found",
    );
    expect(error.message).toContain("F16 (2,000 bytes), Q2_K (1,000 bytes), Q4_K_M (1,000 bytes), Q8_0 (1,000 bytes)");
  });

  it("takes all shards of a quantization, and misses what is missing", async () => {
    const set = ["m-Q4_K_M-00001-of-00002.gguf", "m-Q4_K_M-00002-of-00002.gguf"];
    expect((await choose(set, { quant: "Q4_K_M" })).paths).toEqual(set);
    await failure(choose(set.slice(0, 1)), "missing-shard");
  });

  it("prefers safetensors beside GGUF unless a quantization is asked", async () => {
    const paths = ["model.safetensors", "m-Q8_0.gguf"];
    expect(await choose(paths)).toMatchObject({ format: "safetensors", diagnostics: [{ code: "not-counted" }] });
    expect(await choose(paths, { quant: "Q8_0" })).toMatchObject({ format: "gguf", paths: ["m-Q8_0.gguf"] });
  });

  it("says that llama.cpp would follow a preset.ini, unless a file is named", async () => {
    const files = ["preset.ini", "m-Q4_K_M.gguf"];
    expect((await choose(files)).diagnostics).toMatchObject([{ code: "not-counted", where: "preset.ini" }]);
    expect((await choose(files, { path: "m-Q4_K_M.gguf" })).diagnostics).toEqual([]);
    expect((await choose(["sub/preset.ini", "m-Q4_K_M.gguf"])).diagnostics).toEqual([]);
  });
});
