import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { checkArchitectures, checkCompanions } from "../../conformance/llama-cpp/check.ts";
import { readLoading } from "../../conformance/llama-cpp/loading.ts";
import { readPlaced } from "../../conformance/llama-cpp/placed.ts";
import { PUBLISHED_PLACEMENTS } from "../../conformance/llama-cpp/placements.ts";
import * as mlx from "../../conformance/mlx/check.ts";
import { ROOT } from "../../conformance/paths.ts";
import * as training from "../../conformance/training/check.ts";
import { checkActivations } from "../../conformance/transformers/check-activations.ts";
import { checkModelTypes } from "../../conformance/transformers/check-model-types.ts";
import * as vllm from "../../conformance/vllm/check.ts";
import { counted, README, rowWith } from "../support/readme.ts";

test("README.md counts the models of published size and their settings", () => {
  const { rows } = readPlaced();
  const row = rowWith(
    `${rows.length} models of published size, up to 47 B parameters, at ${PUBLISHED_PLACEMENTS.length}`,
  );
  const asked = rows.length * PUBLISHED_PLACEMENTS.length;
  expect(row).toContain(`0 bytes off in ${asked} of ${asked} |`);
});

test("README.md counts the caches by keys, projectors, MTP contexts and reordered weights", async () => {
  const [caches] = await counted(checkArchitectures, /^(\d+)\/\1 exact/);
  const [companions] = await counted(checkCompanions, /^(\d+) figures exact/);
  const loaded = readLoading().rows.flatMap(({ weightBytes }) => weightBytes.filter((bytes) => bytes !== null));
  const figures =
    /bytes off in (\d+), (\d+), (\d+) and (\d+) figures/.exec(rowWith("caches by keys alone") ?? "") ?? [];
  const [byKeys = 0, projectors = 0, mtp = 0, loading = 0] = figures.slice(1).map(Number);
  expect([byKeys, projectors + mtp, loading]).toEqual([Number(caches), Number(companions), loaded.length]);
});

test("README.md and CHANGELOG.md count the model types that were compared", async () => {
  const [types] = await counted(checkModelTypes, /^(\d+)\/\1 exact/);
  expect(rowWith("by model_type")).toContain(`| ${types} of ${types} exact |`);
  expect(README.replaceAll("\n", " ")).toContain(`and ${types} model types of transformers.`);
  expect(readFileSync(join(ROOT, "CHANGELOG.md"), "utf8")).toContain(`config.json: ${types} model types`);
});

test("README.md counts what was compared with the other runtimes", async () => {
  const [cases] = await counted(vllm.checkCases, /^(\d+)\/\1 exact/);
  expect(rowWith("of its own cache code")).toContain(`| ${cases} of ${cases} exact |`);
  const [caches, asked, weights] = await counted(vllm.checkModelTypes, /^cache (\d+)\/(\d+) exact, weights (\d+)\/\2/);
  expect(rowWith("tiny models, one and two ranks")).toContain(`| ${caches} and ${weights} of ${asked} exact`);
  const [figures, types] = await counted(mlx.checkEstimates, /^(\d+)\/\1 exact, of (\d+) model types/);
  expect(rowWith(`of ${types} model types | 0 bytes off`)).toContain(`in ${figures} of ${figures} |`);
  const [states, trained, adapters, packed] = await counted(
    training.checkStates,
    /states (\d+)\/(\d+) exact, adapters (\d+)\/\2 exact, NF4 weights (\d+)\//,
  );
  expect(rowWith(`of ${trained} model types | ${states}`)).toContain(`${states}, ${adapters} and ${packed} exact`);
  const [steps, families, percent] = await counted(
    training.checkPeaks,
    /; (\d+) of (\d+) dense families at most ([\d.]+) %/,
  );
  expect(rowWith(`${steps} runs of ${families} dense families`)).toContain(`at most ${percent} % off`);
  const [dense, off, others] = await counted(
    checkActivations,
    /^(\d+) runs of dense models, at most ([\d.]+) % off; (\d+) of/,
  );
  expect(rowWith(`${dense} runs of 24 dense models, ${others} of others`)).toContain(`at most ${off} % off`);
}, 120_000);
