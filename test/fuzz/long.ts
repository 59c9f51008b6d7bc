/**
 * The fuzzer for as long as is asked, with a line a minute; a finding makes the exit code 1, and its seed makes it again.
 *
 *   npm run fuzz -- [--minutes 30] [--seed 1]
 */
import { parseArgs } from "node:util";
import { fuzz } from "./fuzz.ts";
import { fuzzSeeds } from "./seeds.ts";

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "30" }, seed: { type: "string", default: "1" } },
});
const endMs = performance.now() + Number(values.minutes) * 60_000;
const seeds = fuzzSeeds();
const outcomes = new Map<string, number>();
let [seed, total, slowestMs, mostBytes, found] = [Number(values.seed), 0, 0, 0, 0];
while (performance.now() < endMs) {
  const minuteMs = Math.min(endMs, performance.now() + 60_000);
  const result = await fuzz(seeds, seed, () => performance.now() < minuteMs);
  seed += result.runs;
  total += result.runs;
  found += result.findings.length;
  slowestMs = Math.max(slowestMs, result.slowestMs);
  mostBytes = Math.max(mostBytes, result.mostBytes);
  for (const [name, count] of result.outcomes) outcomes.set(name, (outcomes.get(name) ?? 0) + count);
  for (const finding of result.findings) console.log(`seed ${finding.seed}, ${finding.name}: ${finding.problem}`);
  console.log(`${total} changed files, ${found} findings, slowest ${slowestMs.toFixed(0)} ms, most ${mostBytes} bytes`);
}
console.log(
  [...outcomes]
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} ${count}`)
    .join(", "),
);
if (found > 0) process.exitCode = 1;
