import { describe, expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../../src/limits.ts";
import { companionFiles } from "../../src/source/companion-files.ts";
import { chooseModelFiles } from "../../src/source/model-files.ts";

const companions = (paths: readonly string[], model: string, quant?: string) =>
  companionFiles(
    paths.map((path) => ({ path })),
    model,
    quant,
  ).map(({ role, path }) => `${role} ${path}`);

describe("which projector goes with a model", () => {
  test.each([
    ["the only one", ["m-Q4_K_M.gguf", "mmproj-F16.gguf"], "m-Q4_K_M.gguf", "mmproj-F16.gguf"],
    [
      "the one with the closest bits",
      ["mmproj-BF16.gguf", "mmproj-F32.gguf", "mmproj-Q8_0.gguf"],
      "m-Q4_K_M.gguf",
      "mmproj-Q8_0.gguf",
    ],
    ["of equals the first", ["mmproj-BF16.gguf", "mmproj-F16.gguf"], "m-Q8_0.gguf", "mmproj-BF16.gguf"],
    ["for a wide model the wide one", ["mmproj-F32.gguf", "mmproj-Q8_0.gguf"], "m-F32.gguf", "mmproj-F32.gguf"],
    ["the nearest folder", ["mmproj-Q4_0.gguf", "big/mmproj-F32.gguf"], "big/m-Q4_K_M.gguf", "big/mmproj-F32.gguf"],
    ["one in a folder above", ["mmproj-F16.gguf"], "Q4_K_M/m-Q4_K_M-00001-of-00002.gguf", "mmproj-F16.gguf"],
    ["a word anywhere in its name", ["m-mmproj-f16.gguf"], "m-Q4_K_M.gguf", "m-mmproj-f16.gguf"],
  ])("%s", (_, paths, model, projector) => {
    expect(companions([...paths, model], model)).toEqual([`projector ${projector}`]);
  });

  test.each([
    ["of another folder", ["other/mmproj-F16.gguf"]],
    ["of a folder that begins alike", ["bigger/mmproj-F16.gguf"]],
    ["in another format", ["mmproj-F16.safetensors", "mmproj.txt"]],
  ])("none %s", (_, paths) => {
    expect(companions([...paths, "big/m.gguf"], "big/m.gguf")).toEqual([]);
  });
});

describe("which draft goes with a model", () => {
  test("one of each kind there is, by the tag that was asked for", () => {
    const paths = ["m-Q8_0.gguf", "mtp-m-Q4_0.gguf", "mtp-m-Q8_0.gguf", "eagle3-m-BF16.gguf"];
    expect(companions(paths, "m-Q8_0.gguf")).toEqual(["draft mtp-m-Q8_0.gguf", "draft eagle3-m-BF16.gguf"]);
    expect(companions(paths, "m-Q8_0.gguf", "Q4_0")).toEqual(["draft mtp-m-Q4_0.gguf", "draft eagle3-m-BF16.gguf"]);
  });
});

describe("companions of a chosen model", () => {
  const choose = (paths: readonly string[], path?: string) =>
    chooseModelFiles(
      {
        label: "org/name",
        files: paths.map((each) => ({ path: each })),
        indexIsCheap: false,
        limits: DEFAULT_LIMITS,
        readIndex: async () => "{}",
      },
      path === undefined ? {} : { path },
    );

  test("do not make the choice ambiguous", async () => {
    expect(await choose(["m-Q4_K_M.gguf", "mmproj-F16.gguf"])).toEqual({
      format: "gguf",
      paths: ["m-Q4_K_M.gguf"],
      companions: [{ role: "projector", path: "mmproj-F16.gguf" }],
      diagnostics: [],
    });
  });

  test("are none of a projector, of safetensors, or of a model alone", async () => {
    const paths = ["m-Q4_K_M.gguf", "mmproj-F16.gguf", "mmproj-F32.gguf"];
    expect(await choose(paths, "mmproj-F16.gguf")).not.toHaveProperty("companions");
    expect(await choose(["model.safetensors", "mmproj-F16.gguf"])).not.toHaveProperty("companions");
    expect(await choose(["m.gguf"])).not.toHaveProperty("companions");
  });
});
