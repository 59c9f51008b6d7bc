import fc from "fast-check";
import { inspectModel } from "../../src/inspect.ts";
import { holeyFile } from "../holey-file.ts";
import type { PartResult } from "../part.ts";
import { type Asked, askPart } from "./ask-part.ts";
import { askDevices, prepareSavedModels } from "./engine.ts";
import { fileOf } from "./graphs/ask.ts";
import { draftsFor, ggufOf, graphModels, titleOf } from "./graphs/models.ts";
import { byDevice, comparePlaced, outputBytesOf, placedVerdict } from "./placed.ts";
import { placedFlags } from "./placements.ts";
import { WORKLOAD } from "./random-workloads.ts";

/** Settings of each model. */
const EACH = 3;

/**
 * Asks the engine for every model in settings at random, other ones each time: what the golden settings leave out.
 * `WEIGHIN_SEED` asks for those of an earlier time.
 */
export function checkRandomWorkloads(): Promise<PartResult> {
  return askPart("weighin against llama.cpp: settings at random", prepareSavedModels, askAtRandom);
}

async function askAtRandom(): Promise<Asked> {
  const seed = Number(process.env["WEIGHIN_SEED"] ?? Date.now() % 2 ** 31);
  const all = placedVerdict();
  // Drafts are weighed beside another model, in settings of its own.
  const models = graphModels().filter((model) => draftsFor(model) === undefined);
  const asked = fc.sample(WORKLOAD, { seed, numRuns: models.length * EACH });
  let brokeOff = 0;
  for (const [index, graphModel] of models.entries()) {
    const { path } = fileOf(graphModel);
    const model = await inspectModel(holeyFile(ggufOf(graphModel)));
    for (const workload of asked.slice(index * EACH, (index + 1) * EACH)) {
      const answer = askDevices(path, placedFlags(workload));
      const refusals = all.exact.refusals;
      const known = all.differences.length;
      comparePlaced(model, workload, byDevice(answer), all, outputBytesOf(answer));
      if (answer === undefined && all.exact.refusals === refusals) brokeOff += 1;
      const found = all.differences.splice(known);
      all.differences.push(...found.map((difference) => `${titleOf(graphModel)} ${difference}`));
    }
  }
  const { weights, cache, output, compute, computeInBounds, refusals } = all.exact;
  const exact = weights + cache + output + compute;
  const total = exact + all.differences.length;
  return {
    summary: `seed ${seed}: ${asked.length} settings of ${models.length} models; ${exact}/${total} exact (compute ${compute}), ${computeInBounds} compute in bounds, ${refusals} refused alike, ${brokeOff} that the engine breaks off on`,
    differences: all.differences,
  };
}
