/**
 * Header reading, measured against the floor and the peers in one run: requests, bytes, wall time, CPU and memory over a
 * paced local hub, first and further calls on the disk, import time. Medians; each sample is a fresh process, and the
 * clients take turns, so that a busy machine is busy for all of them. The floor is exactly the header bytes (of
 * safetensors also config.json and the index), known beforehand, one request a file, 20 at once, not parsed.
 *
 * The rig comes from the folder that WEIGHIN_SHARED names (default: ../shared); without it nothing is measured, and that
 * is said. The peers are installed into bench/lab, pinned; where that fails they are left out.
 *
 *   npm run bench -- [--runs 5] [--rtt 50] [--mbps 100] [--only llama] [--alone] [--json results.json] [--check]
 *
 * `--alone` leaves the peers out; `--check` ends with 1 when a bar is missed. On a busy machine, a slower line (`--rtt 200
 * --mbps 25`) keeps the proportion of computing to waiting that a quiet one has on the usual line.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { BARS, type Row } from "./bars.ts";
import {
  buildPackage,
  folderOf,
  type Hub,
  hasRig,
  headsOf,
  installPeers,
  makeData,
  REPOS,
  type Repo,
  RIG,
  startHub,
} from "./rig.ts";
import { medianOf, type Sample, sampleOwn, samplePeer, type Target } from "./sample.ts";

const OWN = "weighin";

async function measure(repo: Repo, clients: readonly string[], hub: Hub, runs: number): Promise<readonly Row[]> {
  const { weights, texts } = await headsOf(repo);
  const id = `syn/${repo.name}`;
  const url = repo.file === undefined ? undefined : `${hub.url}/${id}/resolve/main/${repo.file}`;
  const remote: Target = { kind: repo.format, hub: hub.url, repo: id, ...(url !== undefined && { url }) };
  const path = join(folderOf(repo), repo.file ?? "");
  const samples = new Map<string, { remote: Sample[]; local: Sample[] }>();
  for (let run = 0; run < runs; run++) {
    for (const client of clients) {
      hub.reset();
      const sample =
        client === OWN
          ? await sampleOwn(url ?? id, hub.url)
          : await samplePeer(client, client === "floor" ? { ...remote, heads: [...texts, ...weights] } : remote);
      const { hubRequests, cdnRequests, bodyBytes } = hub.stats();
      const kept = samples.get(client) ?? { remote: [], local: [] };
      samples.set(client, kept);
      if (sample !== undefined) kept.remote.push({ ...sample, requests: hubRequests + cdnRequests, bytes: bodyBytes });
      if (client === "floor" || (repo.format === "safetensors" && client !== OWN)) continue;
      const local =
        client === OWN ? await sampleOwn(path, undefined) : await samplePeer(client, { kind: repo.format, path });
      if (local !== undefined) kept.local.push(local);
    }
  }
  const headerBytes = weights.reduce((sum, { bytes }) => sum + bytes, 0);
  return [...samples].map(([client, { remote, local }]) => ({
    repo: repo.name,
    client,
    files: weights.length,
    headerBytes,
    requests: medianOf(remote, "requests"),
    logicalRequests: medianOf(remote, "logicalRequests"),
    bytes: medianOf(remote, "bytes"),
    wallMs: medianOf(remote, "wall"),
    cpuMs: medianOf(remote, "cpu"),
    rssBytes: medianOf(remote, "rssGrowth"),
    retainedBytes: medianOf(remote, "retained"),
    importMs: medianOf(remote, "importMs"),
    diskFirstMs: medianOf(local, "wall"),
    diskWarmMs: medianOf(local, "warm"),
    diskRssBytes: medianOf(local, "rssGrowth"),
  }));
}

const whole = (value: number): string => (Number.isNaN(value) ? "-" : Math.round(value).toLocaleString("en-US"));
const megabytes = (bytes: number): string => (Number.isNaN(bytes) ? "-" : (bytes / 1e6).toFixed(1));
const times = (own: number, other: number): string => (other / own >= 0 ? `${(other / own).toFixed(2)}x` : "-");

/** What each client took, and in brackets how many times what weighin took. */
function printRows(rows: readonly Row[]): void {
  const own = rows.find(({ client }) => client === OWN);
  const [any] = rows;
  if (own === undefined || any === undefined) return;
  console.log(`\n${any.repo}: ${any.files} file${any.files === 1 ? "" : "s"}, ${whole(any.headerBytes)} header bytes`);
  const cells = rows.map((row) => [
    row.client,
    `${whole(row.requests)} (${times(own.requests, row.requests)})`,
    `${whole(row.bytes)} (${times(own.bytes, row.bytes)})`,
    `${whole(row.wallMs)} (${times(own.wallMs, row.wallMs)})`,
    `${whole(row.cpuMs)} (${times(own.cpuMs, row.cpuMs)})`,
    `${megabytes(row.rssBytes)} (${times(own.rssBytes, row.rssBytes)})`,
    megabytes(row.retainedBytes),
    `${whole(row.diskFirstMs)} (${times(own.diskFirstMs, row.diskFirstMs)})`,
    whole(row.diskWarmMs),
    `${megabytes(row.diskRssBytes)} (${times(own.diskRssBytes, row.diskRssBytes)})`,
    whole(row.importMs),
  ]);
  const names = [
    "",
    "requests",
    "bytes",
    "wall ms",
    "CPU ms",
    "peak +MB",
    "kept MB",
    "disk ms",
    "warm ms",
    "disk +MB",
    "import ms",
  ];
  const table = [names, ...cells];
  const widths = names.map((_, column) => Math.max(...table.map((row) => (row[column] ?? "").length)));
  for (const row of table)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    );
}

/** Prints every bar, and returns how many are missed. */
function printBars(rows: readonly Row[]): number {
  let missed = 0;
  console.log("\nbars");
  for (const { repo, text, most, measured } of BARS) {
    const find = (client: string) => rows.find((row) => row.repo === repo && row.client === client);
    const own = find(OWN);
    const value = own === undefined ? Number.NaN : measured(find, own);
    if (!Number.isFinite(value)) continue;
    const met = value <= most;
    if (!met) missed += 1;
    console.log(
      `  ${met ? "met   " : "MISSED"} ${repo.padEnd(18)} ${text.padEnd(32)} ${value.toFixed(3)} of ${most.toFixed(3)}`,
    );
  }
  return missed;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: "string", default: "5" },
      rtt: { type: "string", default: "50" },
      mbps: { type: "string", default: "100" },
      only: { type: "string", default: "" },
      json: { type: "string" },
      alone: { type: "boolean", default: false },
      check: { type: "boolean", default: false },
    },
  });
  if (!hasRig()) {
    console.log(`SKIPPED: no rig at ${RIG}; set WEIGHIN_SHARED to the folder that holds bench/`);
    return;
  }
  const peers = !values.alone && installPeers();
  if (!peers && !values.alone) console.log("the peers could not be installed: without them");
  buildPackage();
  const repos = REPOS.filter(({ name }) => new RegExp(values.only).test(name));
  makeData(repos);
  const hub = await startHub(Number(values.rtt), Number(values.mbps));
  const rows: Row[] = [];
  for (const repo of repos) {
    const clients = [OWN, "floor", ...(peers ? repo.clients : [])];
    const measured = await measure(repo, clients, hub, Number(values.runs));
    rows.push(...measured);
    printRows(measured);
  }
  await hub.close();
  const missed = printBars(rows);
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify({ node: process.version, rows }, null, 1)}\n`);
  if (values.check && missed > 0) process.exitCode = 1;
}

await main();
