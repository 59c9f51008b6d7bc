import { parseShardName } from "./shard-name.ts";

const TAG_OF_NAME = /[-.]([A-Z0-9_]+)$/;

/** `Q4_K_M` of `…-Q4_K_M.gguf` or of a shard of it, as llama.cpp's downloader reads it; undefined where there is none. */
export function ggufTag(path: string): string | undefined {
  const stem = parseShardName(path)?.stem.slice(0, -1) ?? path.slice(0, -".gguf".length);
  return TAG_OF_NAME.exec(stem.toUpperCase())?.[1];
}
