/**
 * Header reading, measured: requests, bytes and wall time against the floor (exactly the header bytes, known
 * beforehand, one request a file) on a paced local hub. The rig and its data generators come from the folder that
 * WEIGHIN_SHARED names (default: ../shared); without it nothing is measured, and that is said.
 *
 *   npm run bench -- [--runs 5] [--rtt 50] [--mbps 100]
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

type Hub = {
  readonly url: string;
  reset(): void;
  stats(): { readonly hubRequests: number; readonly cdnRequests: number; readonly bodyBytes: number };
  close(): Promise<void>;
};

type Sample = { readonly requests: number; readonly bytes: number; readonly wallMs: number };

const ROOT = resolve(import.meta.dirname, "..");
const DATA = join(ROOT, "bench", "data");
const rig = join(resolve(ROOT, process.env["WEIGHIN_SHARED"] ?? "../shared"), "bench");

/** Repositories to read: preset of the rig's generators, shards, and the file to ask for (none: the repo id). */
const REPOS: readonly { name: string; make: readonly string[]; file?: string }[] = [
  { name: "llama3-8b", make: ["make-gguf.mjs", "--preset", "llama3-8b"], file: "m.gguf" },
  { name: "gemma3-1b", make: ["make-gguf.mjs", "--preset", "gemma3-1b"], file: "m.gguf" },
  { name: "deepseek-v3", make: ["make-gguf.mjs", "--preset", "deepseek-v3"], file: "m.gguf" },
  {
    name: "deepseek-v3-split",
    make: ["make-gguf.mjs", "--preset", "deepseek-v3", "--shards", "10"],
    file: "m-00001-of-00010.gguf",
  },
  { name: "llama3-1b-st", make: ["make-safetensors.mjs", "--preset", "llama3-1b"] },
  { name: "llama3-8b-st", make: ["make-safetensors.mjs", "--preset", "llama3-8b"] },
  { name: "deepseek-v3-st", make: ["make-safetensors.mjs", "--preset", "deepseek-v3"] },
];

function makeData(): void {
  for (const { name, make, file } of REPOS) {
    const folder = join(DATA, "syn", name);
    if (existsSync(folder)) continue;
    mkdirSync(folder, { recursive: true });
    const [script = "", ...flags] = make;
    const out = file === undefined ? folder : join(folder, "m.gguf");
    execFileSync(process.execPath, [join(rig, script), ...flags, "--out", out], { stdio: "ignore" });
  }
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

/** One sample in a fresh process, import excluded from the wall time. */
async function sample(hub: Hub, script: string): Promise<Sample> {
  hub.reset();
  const { execFile } = await import("node:child_process");
  const wallMs = await new Promise<number>((done, fail) =>
    execFile(process.execPath, ["--input-type=module", "-e", script], { cwd: ROOT }, (error, stdout) =>
      error ? fail(error) : done(Number(stdout)),
    ),
  );
  const { hubRequests, cdnRequests, bodyBytes } = hub.stats();
  return { requests: hubRequests + cdnRequests, bytes: bodyBytes, wallMs };
}

const timed = (imports: string, work: string) =>
  `${imports}; const t = performance.now(); ${work}; console.log(performance.now() - t); process.exit(0);`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: "string", default: "5" },
      rtt: { type: "string", default: "50" },
      mbps: { type: "string", default: "100" },
    },
  });
  if (!existsSync(rig)) {
    console.log(`SKIPPED: no rig at ${rig}; set WEIGHIN_SHARED to the folder that holds bench/`);
    return;
  }
  if (!existsSync(join(ROOT, "dist", "index.js")))
    execFileSync("npm", ["run", "build"], { cwd: ROOT, stdio: "ignore" });
  makeData();
  const { startHub } = await import(pathToFileURL(join(rig, "hub-server.mjs")).href);
  const { headerBytes } = await import(pathToFileURL(join(rig, "peers-bench.mjs")).href);
  const hub: Hub = await startHub({ root: DATA, rtt: Number(values.rtt), mbps: Number(values.mbps) });
  for (const { name, file } of REPOS) {
    const folder = join(DATA, "syn", name);
    const weights = readdirSync(folder).filter((entry) => /\.(gguf|safetensors)$/.test(entry));
    const texts = readdirSync(folder).filter((entry) => file === undefined && entry === "config.json");
    const heads = [
      ...weights.map((entry) => ({ entry, bytes: headerBytes(join(folder, entry)) })),
      ...texts.map((entry) => ({ entry, bytes: statSync(join(folder, entry)).size })),
    ];
    const base = `${hub.url}/syn/${name}/resolve/main/`;
    const source = file === undefined ? `"syn/${name}"` : JSON.stringify(base + file);
    const own = timed(
      'import { inspectModel } from "./dist/index.js"',
      `await inspectModel(${source}, { endpoint: ${JSON.stringify(hub.url)} })`,
    );
    const floor = timed(
      "",
      `await Promise.all(${JSON.stringify(heads)}.map(async ({ entry, bytes }) => (await fetch(${JSON.stringify(base)} + entry, { headers: { range: "bytes=0-" + (bytes - 1) } })).arrayBuffer()))`,
    );
    const ours: Sample[] = [];
    const least: Sample[] = [];
    for (let run = 0; run < Number(values.runs); run++) {
      ours.push(await sample(hub, own));
      least.push(await sample(hub, floor));
    }
    const header = heads.reduce((sum, head) => sum + head.bytes, 0);
    const of = (list: readonly Sample[], key: keyof Sample) => median(list.map((one) => one[key]));
    console.log(
      `${name.padEnd(18)} header ${String(header).padStart(8)}  requests ${of(ours, "requests")} (floor ${of(least, "requests")})` +
        `  bytes ${(of(ours, "bytes") / header).toFixed(3)} x header` +
        `  wall ${of(ours, "wallMs").toFixed(0)} ms, ${(of(ours, "wallMs") / of(least, "wallMs")).toFixed(2)} x floor`,
    );
  }
  await hub.close();
}

await main();
