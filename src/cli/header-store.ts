import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { HeaderCache } from "../source/header-cache.ts";

/** Headers kept on disk. */
export type HeaderStore = HeaderCache & {
  /** Deletes what was used longest ago until the folder is within its bound, if anything was added. */
  prune(): Promise<void>;
};

/** Opens a store in `directory`; entries of other versions of the program are not used. */
export type OpenHeaderStore = (directory: string, version: string) => HeaderStore;

const MAGIC: Buffer = Buffer.from("weighin header 1\n", "latin1");
const CHECKSUM_BYTES = 32;
const LENGTH_BYTES = 8;
const PREFIX_BYTES = MAGIC.length + LENGTH_BYTES + CHECKSUM_BYTES;

/** The 163 headers of DeepSeek-V3 take 12 MB. */
const LARGEST_STORE_BYTES = 256 * 1024 * 1024;
/** What is deleted makes room for more than one further model. */
const PRUNED_STORE_BYTES = 192 * 1024 * 1024;
/** A file that was never renamed is left from a run that was killed. */
const STALE_MS = 3_600_000;

const sha256 = (...parts: readonly (string | Uint8Array)[]): Buffer =>
  parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest();

/**
 * Each entry is a file: a magic line, the length and the SHA-256 of its content, and the content. It is written aside and
 * renamed, so that runs at the same time never see half of one; what is damaged all the same is taken for missing.
 */
export function openHeaderStore(directory: string, version: string, bounds: Bounds = DEFAULT_BOUNDS): HeaderStore {
  let added = false;
  const fileOf = (key: string): string => {
    const name = sha256(`${version}\n${key}`).toString("hex");
    return join(directory, name.slice(0, 2), name.slice(2));
  };
  return {
    async get(key) {
      const file = fileOf(key);
      const content = contentOf(await readFile(file).catch(() => undefined));
      if (content !== undefined) {
        const now = new Date();
        await utimes(file, now, now).catch(() => undefined);
      }
      return content;
    },
    async set(key, bytes) {
      const file = fileOf(key);
      const length = Buffer.alloc(LENGTH_BYTES);
      length.writeBigUInt64LE(BigInt(bytes.length));
      const aside = `${file}.${process.pid}.${randomBytes(6).toString("hex")}.tmp`;
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      try {
        await writeFile(aside, Buffer.concat([MAGIC, length, sha256(bytes), bytes]), { flag: "wx", mode: 0o600 });
        await rename(aside, file);
      } catch (error) {
        await rm(aside, { force: true });
        throw error;
      }
      added = true;
    },
    async prune() {
      if (added) await prune(directory, bounds);
    },
  };
}

type Bounds = { readonly largestBytes: number; readonly prunedBytes: number };

const DEFAULT_BOUNDS: Bounds = { largestBytes: LARGEST_STORE_BYTES, prunedBytes: PRUNED_STORE_BYTES };

function contentOf(file: Buffer | undefined): Uint8Array | undefined {
  if (file === undefined || file.length < PREFIX_BYTES || !file.subarray(0, MAGIC.length).equals(MAGIC))
    return undefined;
  const content = file.subarray(PREFIX_BYTES);
  if (file.readBigUInt64LE(MAGIC.length) !== BigInt(content.length)) return undefined;
  const checksum = file.subarray(MAGIC.length + LENGTH_BYTES, PREFIX_BYTES);
  return sha256(content).equals(checksum) ? content : undefined;
}

async function prune(directory: string, { largestBytes, prunedBytes }: Bounds): Promise<void> {
  const names = await readdir(directory, { recursive: true }).catch(() => []);
  const entries = await Promise.all(
    names.map(async (name) => {
      const file = join(directory, name);
      const stats = await stat(file).catch(() => undefined);
      return stats?.isFile() === true ? [{ file, bytes: stats.size, usedMs: stats.mtimeMs }] : [];
    }),
  );
  const files = entries.flat().sort((a, b) => a.usedMs - b.usedMs);
  const stale = files.filter(({ file, usedMs }) => file.endsWith(".tmp") && usedMs < Date.now() - STALE_MS);
  let bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const oldest = bytes > largestBytes ? files : stale;
  for (const { file, bytes: fileBytes } of oldest) {
    if (bytes <= prunedBytes && oldest !== stale) break;
    await rm(file, { force: true }).catch(() => undefined);
    bytes -= fileBytes;
  }
}
