import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readMtp, readProjectors } from "../../conformance/llama-cpp/golden.ts";
import { MTP_CASES } from "../../conformance/llama-cpp/mtp/cases.ts";
import { compareMtp } from "../../conformance/llama-cpp/mtp/compare.ts";
import { PROJECTOR_CASES } from "../../conformance/llama-cpp/projectors/cases.ts";
import { compareProjector } from "../../conformance/llama-cpp/projectors/compare.ts";
import { PROJECTOR_SETTINGS } from "../../conformance/llama-cpp/projectors/engine.ts";
import { FIXTURE_FILES } from "../../conformance/paths.ts";
import { inspectModel } from "../../src/inspect.ts";
import { PROVEN_MTP } from "../../src/runtimes/llama-cpp/mtp-context.ts";
import { PROVEN_PROJECTORS } from "../../src/runtimes/llama-cpp/projector-graph.ts";
import { LLAMA_CPP_VERSION } from "../../src/runtimes/llama-cpp/version.ts";

const projectors = readProjectors();
const mtp = readMtp();

describe("projectors as libmtmd allocates them", () => {
  test("are known for every case and every setting, in the release whose rules these are", () => {
    const asked = PROJECTOR_CASES.flatMap(({ name }) => PROJECTOR_SETTINGS.map((setting) => ({ name, setting })));
    expect(projectors.rows.map(({ name, setting }) => ({ name, setting }))).toEqual(asked);
    expect(projectors.engine.version).toBe(LLAMA_CPP_VERSION);
  });

  test.each([...new Set(PROJECTOR_CASES.map(({ name }) => name))])(
    "%s: weights to the byte on their device, compute buffers within bounds",
    async (name) => {
      const model = await inspectModel(join(FIXTURE_FILES, "demo.gguf"));
      const rows = projectors.rows.filter((row) => row.name === name);
      const verdicts = await Promise.all(rows.map((row) => compareProjector(model, row)));
      const encoders = rows.reduce((sum, { answer }) => sum + Object.keys(answer).length, 0);
      expect(verdicts.flatMap(({ differences }) => differences)).toEqual([]);
      expect(verdicts.reduce((sum, { exact }) => sum + exact, 0)).toBe(encoders);
    },
  );

  test("are called exact only where the engine was asked", () => {
    const types = PROJECTOR_CASES.flatMap(({ file }) =>
      file.keys.flatMap(([key, value]) =>
        key === "clip.projector_type" && value.type === "string" ? value.value : [],
      ),
    );
    const asked = new Set(types.flatMap((type) => (type === "qwen2.5o" ? ["qwen2.5vl_merger", "qwen2a"] : type)));
    expect([...PROVEN_PROJECTORS].sort()).toEqual([...asked].sort());
  });
});

describe("caches of MTP contexts as llama.cpp allocates them", () => {
  test("are known for every case, in the release whose rules these are", () => {
    expect(mtp.rows.map(({ architecture, title }) => ({ architecture, title }))).toEqual(
      MTP_CASES.map(({ architecture, title }) => ({ architecture, title })),
    );
    expect(mtp.engine.version).toBe(LLAMA_CPP_VERSION);
  });

  test.each(mtp.rows.map((row) => [`${row.architecture} ${row.title}`, row] as const))(
    "%s: equal to the byte",
    async (_, row) => {
      expect((await compareMtp(row)).differences).toEqual([]);
    },
  );

  test("are called exact only where the engine was asked and gave figures", async () => {
    const exact = await Promise.all(
      mtp.rows.map(async (row) => ((await compareMtp(row)).exact > 0 ? [row.architecture] : [])),
    );
    expect([...PROVEN_MTP].sort()).toEqual([...new Set(exact.flat())].sort());
  });
});
