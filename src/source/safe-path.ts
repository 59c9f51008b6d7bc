import { InspectError } from "../errors.ts";

const FORBIDDEN = /[\\?#:]/;

/**
 * Refuses a path from an index that could name anything outside its own repo or directory. URL parsers turn
 * `%2e%2e/x`, `..\x` and `<TAB>../x` into a parent segment (WHATWG URL), so the path is decoded until it no longer
 * changes and judged in that form.
 */
export function requireSafePath(path: string, source: string): string {
  const decoded = decodeFully(path);
  if (decoded === undefined) throw unsafe(path, source, "is percent-encoded more than once or wrongly");
  if (FORBIDDEN.test(decoded)) throw unsafe(path, source, "contains one of \\ ? # :");
  requireRelativePath(decoded, source);
  return path;
}

/** Refuses a path, to be encoded segment by segment, that leaves its folder or holds control characters. */
export function requireRelativePath(path: string, source: string): string {
  for (let i = 0; i < path.length; i += 1) {
    const code = path.charCodeAt(i);
    if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) throw unsafe(path, source, "contains a control character");
  }
  const segments = path.split("/").map((segment) => segment.trim());
  if (path === "") throw unsafe(path, source, "is empty");
  if (segments[0] === "") throw unsafe(path, source, "is absolute");
  if (segments.includes("")) throw unsafe(path, source, "has an empty segment");
  if (segments.includes(".") || segments.includes("..")) throw unsafe(path, source, "has a . or .. segment");
  return path;
}

function unsafe(path: string, source: string, reason: string): InspectError {
  return new InspectError(
    "unsafe-path",
    `${source} names the file ${JSON.stringify(path.slice(0, 200))}, which ${reason}. It was not opened: paths must stay inside the model's own folder.`,
    { source },
  );
}

/** The path with percent escapes resolved, or undefined when they do not resolve within three rounds. */
function decodeFully(path: string): string | undefined {
  let current = path;
  for (let round = 0; round < 3; round += 1) {
    let next: string;
    try {
      next = decodeURIComponent(current);
    } catch {
      // A lone "%" is legal in a file name; nothing more can be hidden behind it.
      return /%[0-9a-f]{2}/i.test(current) ? undefined : current;
    }
    if (next === current) return current;
    current = next;
  }
  return undefined;
}

/** A path as part of a URL: every segment encoded by itself. */
export function encodePath(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}
