import { join } from "node:path";
import type { Environment } from "./environment.ts";

/** Where headers are kept: `WEIGHIN_CACHE`, else `weighin` in the folder that the system has for caches. */
export function cacheDirectory(environment: Environment, homeDirectory: string, platform: NodeJS.Platform): string {
  const value = (name: string): string | undefined => environment[name]?.trim() || undefined;
  const own = value("WEIGHIN_CACHE");
  if (own !== undefined) return own;
  const shared = value("XDG_CACHE_HOME");
  if (shared !== undefined) return join(shared, "weighin");
  if (platform === "darwin") return join(homeDirectory, "Library", "Caches", "weighin");
  const local = platform === "win32" ? value("LOCALAPPDATA") : undefined;
  return local === undefined ? join(homeDirectory, ".cache", "weighin") : join(local, "weighin", "Cache");
}
