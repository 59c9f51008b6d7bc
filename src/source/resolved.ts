import type { Diagnostic } from "../diagnostics.ts";
import type { Limits } from "../limits.ts";
import type { ByteSource } from "./byte-source.ts";
import type { CompanionFile } from "./companion-files.ts";
import type { HeaderCache } from "./header-cache.ts";
import type { Slots } from "./slots.ts";
import type { WeightMap } from "./weight-map.ts";

/** Counts what reading took. One object per inspection, shared by all its sources. */
export type Traffic = { requests: number; bytesRead: number };

/** A small text file beside the weights. */
export type SidecarText = { readonly path: string; readonly text: string };

/** One weight file, opened when its header is read (so that opening and reading can be one request). */
export type WeightFile = {
  /** Path inside the repo or directory; the file name for a single file. */
  readonly path: string;
  /** `firstBytes`: how much the first request asks for, where the caller knows better. */
  open(signal?: AbortSignal, firstBytes?: number): Promise<ByteSource>;
  /** Names its content for a cache, where that cannot change: by commit, path and size. */
  readonly cacheKey?: string;
  /** Told how long its header turned out to be, so that less is asked of the files after it. */
  headerRead?(headerBytes: number): void;
  /** The place that its early start has taken, to be given back once it is read. */
  takenSlot?(): (() => void) | undefined;
  /** Ends what resolving already started, when the file will not be opened. */
  abandon?(): void;
};

/** A file beside the model; `source` is what `inspectModel` takes for it. */
export type ResolvedCompanion = CompanionFile & { readonly source: string };

/** Another model of the same repo or folder, found by the same listing. */
export type ResolvedSibling = {
  /** What `inspectModel` takes for it. */
  readonly source: string;
  resolve(): Promise<ResolvedSource>;
};

/** What a string, Blob or ByteSource turned out to mean: a set of weight files and the texts beside them. */
export type ResolvedSource = {
  readonly kind: "file" | "directory" | "hub" | "http" | "ollama" | "modelscope" | "blob" | "custom";
  readonly id: string;
  readonly revision?: string;
  readonly commit?: string;
  readonly format: "gguf" | "safetensors";
  /** In shard order. */
  readonly files: readonly WeightFile[];
  /** config.json, when there is one and the format is safetensors. */
  readonly config?: SidecarText;
  /** What model.safetensors.index.json says, when it decided which files belong together. */
  readonly index?: WeightMap;
  /** Files beside the model that are loaded with it. */
  readonly companions?: readonly ResolvedCompanion[];
  readonly traffic: Traffic;
  readonly diagnostics: readonly Diagnostic[];
  /** What the hub asks to tell its users, by topic; more may come while headers are read. */
  readonly serverWarnings?: ReadonlyMap<string, Diagnostic>;
  /** What names it alone among its siblings, as they are named. */
  readonly source?: string;
  /** GGUF models beside it. */
  readonly siblings?: readonly ResolvedSibling[];
};

/** Options that finding and reading bytes depend on; all defaults filled in. */
export type SourceOptions = {
  readonly fetch: typeof globalThis.fetch;
  /** Browsers follow redirects themselves; elsewhere they are followed by hand, so that no credential leaks. */
  readonly redirects: "manual" | "follow";
  readonly endpoint: string;
  readonly token: string | undefined;
  readonly revision: string | undefined;
  readonly offline: boolean;
  /** Hugging Face cache (`…/hub`), looked into first when offline. */
  readonly cacheDir: string | undefined;
  /** Ollama's store (`…/.ollama/models`), looked into for `ollama://` before its registry. */
  readonly ollamaDir: string | undefined;
  /** Total time for the whole inspection, in milliseconds; undefined for none. */
  readonly timeoutMs: number | undefined;
  /** When that time began, by `performance.now()`; now, where absent. */
  readonly startedAtMs?: number;
  /** The places for files being read, where several models share them. */
  readonly slots?: Slots;
  readonly headerCache?: HeaderCache | undefined;
  readonly signal: AbortSignal | undefined;
  readonly limits: Limits;
  /** Called as reading goes on: for progress displays. */
  readonly onProgress: ((progress: Progress) => void) | undefined;
};

/**
 * How far reading has come.
 *
 * @example
 * ```ts
 * import { inspectModel, type Progress } from "weighin";
 *
 * const onProgress = (progress: Progress) => console.log(`${progress.filesRead} of ${progress.files} files`);
 * const model = await inspectModel("fixtures/files/demo.gguf", { onProgress });
 * ```
 */
export type Progress = { readonly files: number; readonly filesRead: number; readonly bytesRead: number };
