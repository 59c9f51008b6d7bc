import { decodeUtf8 } from "../bytes/strict-json.ts";
import { InspectError } from "../errors.ts";
import { concatBytes } from "./concat-bytes.ts";
import { type HttpTarget, type Reply, request } from "./http-request.ts";
import { macrotask } from "./macrotask.ts";
import type { Session } from "./session.ts";
import { withoutToken } from "./without-token.ts";

/** A whole small text with the headers it came with. Compressed transfer is welcome here. */
export type FetchedText = { readonly text: string; readonly headers: Headers };

/** Fetches a text, at most as long as the named limit allows. */
export async function fetchText(
  session: Session,
  target: HttpTarget,
  limitName: "configBytes" | "indexBytes",
  signal: AbortSignal | undefined,
): Promise<FetchedText> {
  for (let tries = 1; ; tries += 1) {
    const reply = await request(session, target, { signal });
    try {
      const bytes = await readAll(reply, target, limitName, session.options.limits[limitName]);
      // What is asked next depends on this text, and takes its connection.
      await macrotask();
      return { text: withoutToken(decodeUtf8(bytes, target.label), session.options.token), headers: reply.headers };
    } catch (error) {
      if (tries >= 2 || !(error instanceof InspectError) || error.code !== "network") throw error;
    } finally {
      reply.cancel();
    }
  }
}

async function readAll(reply: Reply, target: HttpTarget, limitName: string, limitBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for (;;) {
    const chunk = await reply.next();
    if (chunk === undefined) return concatBytes(chunks);
    bytes += chunk.byteLength;
    if (bytes > limitBytes) {
      throw new InspectError(
        "limit-exceeded",
        `${target.label} is longer than ${limitBytes} bytes (limits.${limitName}). Raise the limit if the file is right.`,
        { source: target.label },
      );
    }
    chunks.push(chunk);
  }
}
