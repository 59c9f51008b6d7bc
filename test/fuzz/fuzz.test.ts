import { describe, expect, test } from "vitest";
import { changed, fuzz } from "./fuzz.ts";
import { seededRandom } from "./random.ts";
import { fuzzSeeds } from "./seeds.ts";

const seeds = fuzzSeeds();

describe("changed files", () => {
  test("are the same for the same number", () => {
    const [seed] = seeds;
    if (seed === undefined) throw new Error("no seeds");
    expect(changed(seed, seededRandom(7))).toEqual(changed(seed, seededRandom(7)));
    expect(changed(seed, seededRandom(7))).not.toEqual(changed(seed, seededRandom(8)));
  });

  test("give a model or a typed error, soon, and within the budget (npm run fuzz for longer)", async () => {
    const { runs, findings, outcomes } = await fuzz(seeds, 20_261_127, (run) => run < 3_000);
    expect(findings).toEqual([]);
    expect(runs).toBe(3_000);
    // Both happen often: a fuzzer that only ever breaks the magic, or nothing, proves little.
    expect(outcomes.get("read")).toBeGreaterThan(300);
    expect([...outcomes.keys()].length).toBeGreaterThan(10);
  });
});
