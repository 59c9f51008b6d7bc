import { type InspectCode, InspectError } from "../errors.ts";

const REASONS: ReadonlyMap<string, { readonly code: InspectCode; readonly what: string }> = new Map([
  ["ENOENT", { code: "not-found", what: "does not exist. Check the path" }],
  ["ENOTDIR", { code: "not-found", what: "does not exist: part of its path is a file. Check the path" }],
  ["ENAMETOOLONG", { code: "not-found", what: "is longer than a path can be. Check the path" }],
  ["EACCES", { code: "unreadable", what: "may not be read by this user. Change its permissions, or run as its owner" }],
  ["EPERM", { code: "unreadable", what: "may not be read by this user. Change its permissions, or run as its owner" }],
  ["ELOOP", { code: "unreadable", what: "is a symbolic link that leads to itself. Name the file it should lead to" }],
  ["ENXIO", { code: "not-a-file", what: "is a socket or device, not a regular file. Name the weight file itself" }],
  ["EISDIR", { code: "not-a-file", what: "is a directory, not a regular file. Name the weight file itself" }],
  ["EMFILE", { code: "unreadable", what: "was not opened: too many files are open. Raise the limit (ulimit -n)" }],
]);

/** The error a failed call to the file system stands for. */
export function fileError(path: string, cause: unknown): InspectError {
  const systemCode =
    cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : "unknown";
  const { code, what } = REASONS.get(systemCode) ?? {
    code: "unreadable" as const,
    what: `could not be read (${systemCode}). Check the disk`,
  };
  return new InspectError(code, `${path} ${what}.`, { source: path }, { cause });
}
