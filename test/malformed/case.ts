import type { InspectCode } from "../../src/errors.ts";

/**
 * A file that is wrong, or looks it. Ids (`G-07`, `S-23`) are those of the list in `docs/malformed.md`; the files are made by the
 * writers of `test/formats/`, so that other readers can be given the same.
 */
export type RejectedCase<Spec> = {
  readonly title: string;
  readonly file: Spec | Uint8Array;
  readonly code: InspectCode;
  /** What the message has to say. */
  readonly says?: string;
};

/** A file that has to be read, with the notes it gives. */
export type AcceptedCase<Spec, File> = {
  readonly title: string;
  readonly file: Spec;
  /** Codes of the diagnostics, in order. */
  readonly reports?: readonly InspectCode[];
  readonly check?: (file: File) => void;
};
