import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const ROOT = resolve(import.meta.dirname, "..");
const DATA = join(ROOT, "bench", "data");
export const LAB: string = join(ROOT, "bench", "lab");
/** The rig: a paced hub, data generators and the peers' runner, in the folder that WEIGHIN_SHARED names. */
export const RIG: string = join(resolve(ROOT, process.env["WEIGHIN_SHARED"] ?? "../shared"), "bench");

export type Hub = {
  readonly url: string;
  reset(): void;
  stats(): { readonly hubRequests: number; readonly cdnRequests: number; readonly bodyBytes: number };
  close(): Promise<void>;
};

/** One repository to read, by every client that can. */
export type Repo = {
  readonly name: string;
  readonly format: "gguf" | "safetensors";
  readonly clients: readonly string[];
  /** The file to name; undefined where the repo is read whole. */
  readonly file?: string;
  readonly make: readonly string[];
};

const GGUF_PEERS = ["@huggingface/gguf", "node-llama-cpp", "hyllama"] as const;

const gguf = (name: string, preset: string): Repo => ({
  name,
  format: "gguf",
  clients: GGUF_PEERS,
  file: "m.gguf",
  make: ["make-gguf.mjs", "--preset", preset],
});
const safetensors = (name: string, preset: string): Repo => ({
  name,
  format: "safetensors",
  clients: ["@huggingface/hub"],
  make: ["make-safetensors.mjs", "--preset", preset],
});

export const REPOS: readonly Repo[] = [
  gguf("llama3-8b", "llama3-8b"),
  gguf("gemma3-1b", "gemma3-1b"),
  gguf("deepseek-v3", "deepseek-v3"),
  {
    ...gguf("deepseek-v3-split", "deepseek-v3"),
    clients: GGUF_PEERS.slice(0, 2),
    file: "m-00001-of-00010.gguf",
    make: ["make-gguf.mjs", "--preset", "deepseek-v3", "--shards", "10"],
  },
  safetensors("llama3-1b-st", "llama3-1b"),
  safetensors("llama3-8b-st", "llama3-8b"),
  safetensors("deepseek-v3-st", "deepseek-v3"),
];

/** Pinned: figures are comparable only between the same versions. */
const PEERS = ["@huggingface/gguf@0.4.6", "@huggingface/hub@2.17.5", "node-llama-cpp@3.22.1", "hyllama@0.2.2"] as const;

export function hasRig(): boolean {
  return existsSync(join(RIG, "hub-server.mjs"));
}

/** Installs the peers, once. False where that is not possible. */
export function installPeers(): boolean {
  if (existsSync(join(LAB, "node_modules", "hyllama"))) return true;
  mkdirSync(LAB, { recursive: true });
  const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--silent"];
  try {
    execFileSync("npm", ["install", "--prefix", LAB, ...PEERS, ...flags], { stdio: "inherit" });
    return true;
  } catch {
    return false;
  }
}

export function folderOf({ name }: Repo): string {
  return join(DATA, "syn", name);
}

/** Writes the repositories, which are sparse files, unless they are there. */
export function makeData(repos: readonly Repo[]): void {
  for (const repo of repos) {
    const folder = folderOf(repo);
    if (existsSync(folder)) continue;
    mkdirSync(folder, { recursive: true });
    const [script = "", ...flags] = repo.make;
    const out = repo.file === undefined ? folder : join(folder, "m.gguf");
    execFileSync(process.execPath, [join(RIG, script), ...flags, "--out", out], { stdio: "ignore" });
  }
}

export function buildPackage(): void {
  execFileSync("npm", ["run", "build", "--silent"], { cwd: ROOT, stdio: "ignore" });
}

export async function startHub(rttMs: number, mbps: number): Promise<Hub> {
  const { startHub: start } = await import(pathToFileURL(join(RIG, "hub-server.mjs")).href);
  return start({ root: DATA, rtt: rttMs, mbps });
}

export type Head = { readonly file: string; readonly bytes: number };

/** What must be read of a repo at least: the headers of its weights, and the texts beside them. */
export async function headsOf(
  repo: Repo,
): Promise<{ readonly weights: readonly Head[]; readonly texts: readonly Head[] }> {
  const { headerBytes } = await import(pathToFileURL(join(RIG, "peers-bench.mjs")).href);
  const folder = folderOf(repo);
  const names = readdirSync(folder).sort();
  return {
    weights: names
      .filter((file) => /\.(gguf|safetensors)$/.test(file))
      .map((file) => ({ file, bytes: headerBytes(join(folder, file)) })),
    texts: names
      .filter((file) => repo.file === undefined && file.endsWith(".json"))
      .map((file) => ({ file, bytes: statSync(join(folder, file)).size })),
  };
}
