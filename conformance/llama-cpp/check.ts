import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { inspectModel } from "../../src/inspect.ts";
import { type PartResult, verdict } from "../part.ts";
import { FIXTURE_FILES, ROOT } from "../paths.ts";
import { askCase } from "./architectures/ask.ts";
import { ARCHITECTURE_CASES } from "./architectures/cases.ts";
import { compareArchitecture } from "./architectures/compare.ts";
import { askSavedModels } from "./architectures/saved.ts";
import { type Asked, askPart } from "./ask-part.ts";
import { changedRows } from "./changed-rows.ts";
import { compareRow } from "./compare.ts";
import { askEngine, missingBinary, prepareEngine, prepareSavedModels, SAVED_MODELS } from "./engine.ts";
import { type GoldenName, readArchitectures, readGolden, readMtp, readProjectors } from "./golden.ts";
import { type AskedModel, fixtureModels, publishedShapes } from "./models.ts";
import { askMtpCase, MTP_CASES } from "./mtp/cases.ts";
import { compareMtp } from "./mtp/compare.ts";
import { compareProjector } from "./projectors/compare.ts";
import { askProjectors, prepareProjectors } from "./projectors/engine.ts";

/** Asks llama.cpp again, everything, and holds the answers against the committed golden numbers. */
export function checkGoldenNumbers(): Promise<PartResult> {
  return askPart("llama.cpp gives the golden numbers", prepareEngine, askGolden);
}

function askGolden(): Asked {
  const sets: [GoldenName, readonly AskedModel[] | undefined][] = [
    ["fixtures", fixtureModels()],
    ["published-shapes", publishedShapes()],
  ];
  const differences: string[] = [];
  const notes: string[] = [];
  let rowCount = 0;
  for (const [set, models] of sets) {
    if (models === undefined) {
      notes.push(`skipped ${set} (their generator is in WEIGHIN_SHARED, which is not there)`);
      continue;
    }
    const paths = new Map(models.map((model) => [model.name, model.path]));
    for (const row of readGolden(set).rows) {
      rowCount += 1;
      const path = paths.get(row.model);
      const answer = path === undefined ? "no such model" : { ...askEngine(path, row.workload) };
      const { model, workload, ...golden } = row;
      if (JSON.stringify(answer) === JSON.stringify(golden)) continue;
      const asked = `${model} ${JSON.stringify(workload)}`;
      differences.push(`${asked}: golden ${JSON.stringify(golden)}, now ${JSON.stringify(answer)}`);
    }
  }
  return { summary: [`${rowCount} rows`, ...notes].join("; "), differences };
}

/** Holds weighin's weights and cache against the golden numbers of both sets. */
export async function checkEstimates(): Promise<PartResult> {
  const name = "weighin against llama.cpp: weights and cache";
  const sets: [GoldenName, readonly AskedModel[] | undefined][] = [
    ["fixtures", fixtureModels()],
    ["published-shapes", publishedShapes()],
  ];
  const differences: string[] = [];
  const notes: string[] = [];
  const unclaimed = new Set<string>();
  let equal = 0;
  for (const [set, models] of sets) {
    if (models === undefined) {
      notes.push(`skipped ${set} (their generator is in WEIGHIN_SHARED, which is not there)`);
      continue;
    }
    const { rows } = readGolden(set);
    for (const { name: modelName, path } of models) {
      const model = await inspectModel(path);
      for (const row of rows.filter((candidate) => candidate.model === modelName)) {
        const compared = compareRow(model, row);
        if (compared.state === "equal") equal += 1;
        else if (compared.state === "unclaimed") unclaimed.add(modelName);
        else differences.push(compared.message);
      }
    }
  }
  if (unclaimed.size > 0) notes.push(`no cache claimed for ${[...unclaimed].join(", ")}`);
  return verdict(name, [`${equal} rows equal`, ...notes].join("; "), differences);
}

/** Asks again about every architecture, by its keys, and about the models that llama.cpp's own test saves. */
export function checkArchitectureNumbers(): Promise<PartResult> {
  return askPart("llama.cpp gives the golden numbers of every architecture", prepareSavedModels, async () => {
    const golden = [...readArchitectures("architectures").rows, ...readArchitectures("saved-models").rows];
    const now = [...ARCHITECTURE_CASES.map(askCase), ...(await askSavedModels(SAVED_MODELS))];
    return { summary: `${golden.length} sets of keys`, differences: changedRows(golden, now) };
  });
}

/** Holds weighin's caches against what the engine said by keys: of every architecture, and of its own test's models. */
export async function checkArchitectures(): Promise<PartResult> {
  const name = "weighin against llama.cpp: caches of every architecture";
  const rows = [...readArchitectures("architectures").rows, ...readArchitectures("saved-models").rows];
  const verdicts = await Promise.all(rows.map(compareArchitecture));
  const exact = verdicts.reduce((sum, row) => sum + row.exact, 0);
  const answered = rows.flatMap((row) => row.contextBytes).filter((answer) => answer !== null).length;
  const differences = verdicts.flatMap((row) => row.differences);
  return verdict(name, `${exact}/${answered} exact`, differences);
}

/** Asks again about projectors and contexts over MTP blocks. */
export function checkCompanionNumbers(): Promise<PartResult> {
  return askPart("llama.cpp gives the golden numbers of projectors and MTP contexts", prepareProjectors, () => {
    const golden = [...readProjectors().rows, ...readMtp().rows];
    const now = [...askProjectors(), ...MTP_CASES.map(askMtpCase)];
    return { summary: `${golden.length} rows`, differences: changedRows(golden, now) };
  });
}

/** Holds weighin's projectors and MTP contexts against what the engine said of them. */
export async function checkCompanions(): Promise<PartResult> {
  const name = "weighin against llama.cpp: projectors and MTP contexts";
  const model = await inspectModel(join(FIXTURE_FILES, "demo.gguf"));
  const verdicts = [
    ...(await Promise.all(readProjectors().rows.map((row) => compareProjector(model, row)))),
    ...(await Promise.all(readMtp().rows.map(compareMtp))),
  ];
  const exact = verdicts.reduce((sum, row) => sum + row.exact, 0);
  const differences = verdicts.flatMap((row) => row.differences);
  return verdict(name, `${exact} figures exact`, differences);
}

/** Runs the tests that ask the binary on npm (`engine.test.ts`). */
export function checkPublishedBinary(): PartResult {
  const name = "weighin against the llama.cpp binary on npm";
  const missing = missingBinary();
  if (missing !== undefined) return { name, state: "skipped", summary: missing };
  const { status, stdout } = spawnSync("npx", ["vitest", "run", "--config", "conformance/vitest.config.ts"], {
    cwd: ROOT,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
  });
  const counted = /Tests\s+(.*)/.exec(stdout)?.[1] ?? "no tests";
  return verdict(name, counted, status === 0 ? [] : stdout.split("\n").filter((line) => /FAIL|Error/.test(line)));
}
