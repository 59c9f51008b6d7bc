import { execFile } from "node:child_process";
import { join } from "node:path";
import { LAB, RIG } from "./rig.ts";

/** What one call in a fresh process took. */
export type Sample = {
  readonly wall: number;
  readonly cpu: number;
  readonly importMs: number;
  readonly rssGrowth: number;
  readonly retained: number;
  readonly warm?: number;
  readonly logicalRequests?: number;
  readonly requests?: number;
  readonly bytes?: number;
};

/**
 * Runs a child that prints its sample as the last line; undefined when it fails. Linux counts what the parent took before
 * `exec` as the child's own peak, so that a shell stands between the two, which takes next to nothing.
 */
async function runChild(args: readonly string[]): Promise<Sample | undefined> {
  const own = [process.execPath, "--expose-gc", ...args];
  const [program = "", ...rest] = process.platform === "win32" ? own : ["sh", "-c", '"$@"; exit $?', "sh", ...own];
  const text = await new Promise<string>((resolve) =>
    execFile(program, rest, { timeout: 120_000 }, (_, stdout) => resolve(stdout)),
  );
  try {
    const sample = JSON.parse(text.trim().split("\n").at(-1) ?? "");
    return "error" in sample ? undefined : sample;
  } catch {
    return undefined;
  }
}

export type Target = {
  readonly kind: "gguf" | "safetensors";
  readonly hub?: string;
  readonly repo?: string;
  readonly url?: string;
  readonly path?: string;
  readonly heads?: readonly { readonly file: string; readonly bytes: number }[];
};

/** A peer, or `floor`: exactly the bytes named, one request a file, nothing parsed. */
export function samplePeer(client: string, target: Target): Promise<Sample | undefined> {
  const mode = target.path === undefined ? "remote" : "local";
  const flags = ["--lab", LAB, "--client", client, "--target", JSON.stringify(target), "--mode", mode];
  return runChild([join(RIG, "peers-bench.mjs"), "--child", ...flags]);
}

export function sampleOwn(source: string, endpoint: string | undefined): Promise<Sample | undefined> {
  const target = JSON.stringify({ source, endpoint });
  const flags = endpoint === undefined ? ["--warm"] : [];
  return runChild([join(import.meta.dirname, "child.mjs"), target, ...flags]);
}

export function median(values: readonly (number | undefined)[]): number {
  const known = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  return known[known.length >> 1] ?? Number.NaN;
}

export function medianOf(samples: readonly Sample[], key: keyof Sample): number {
  return median(samples.map((sample) => sample[key]));
}
