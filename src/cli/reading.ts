import type { InspectOptions } from "../options.ts";
import { cacheDirectory } from "./cache-directory.ts";
import { hubSettings } from "./environment.ts";
import type { Request } from "./options.ts";
import { progressLine } from "./progress.ts";
import type { Surroundings } from "./surroundings.ts";

/** Calls `read` with what the command line and the environment say about reading; progress is drawn meanwhile. */
export async function reading<Result>(
  request: Pick<Request, "reading" | "cache">,
  around: Surroundings,
  read: (options: InspectOptions) => Promise<Result>,
): Promise<Result> {
  const { environment, homeDirectory, stderr } = around;
  const progress = progressLine((text) => stderr.write(text), around.now);
  const { offline, ...settings } = await hubSettings(environment, homeDirectory, around.readText);
  for (const token of [settings.token, request.reading.token]) around.hideToken?.(token);
  const store = request.cache
    ? around.openHeaderStore?.(cacheDirectory(environment, homeDirectory, process.platform), around.version)
    : undefined;
  try {
    return await read({
      ...settings,
      offline,
      ...request.reading,
      ...(store && { headerCache: store }),
      signal: around.signal,
      ...(stderr.isTerminal ? { onProgress: progress.update } : {}),
    });
  } finally {
    progress.clear();
    await store?.prune().catch(() => undefined);
  }
}
