import { decodeUtf8 } from "../bytes/strict-json.ts";
import { InspectError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import { openFile } from "./file.ts";
import type { Session } from "./session.ts";

/** The text of a file, at most as long as the named limit allows. */
export async function readTextFile(session: Session, path: string, limitName: keyof Limits): Promise<string> {
  const source = await openFile(session, path, path);
  try {
    const limitBytes = session.options.limits[limitName];
    if (source.size > limitBytes) {
      throw new InspectError(
        "limit-exceeded",
        `${path} has ${source.size} bytes, more than ${limitBytes} (limits.${limitName}). Raise the limit if the file is right.`,
        { source: path },
      );
    }
    return decodeUtf8(await source.read(0, source.size), path);
  } finally {
    await source.close?.();
  }
}
