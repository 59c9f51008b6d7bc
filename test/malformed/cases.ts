import { type GgufSpec, writeGguf } from "../formats/write-gguf.ts";
import { type SafetensorsSpec, writeSafetensors } from "../formats/write-safetensors.ts";
import { GGUF_ACCEPTED } from "./gguf-accepted.ts";
import { GGUF_REJECTED } from "./gguf-rejected.ts";
import { SAFETENSORS_ACCEPTED } from "./safetensors-accepted.ts";
import { SAFETENSORS_REJECTED } from "./safetensors-rejected.ts";

/** One file of the list, whatever its format. Titles are unique within a format. */
export type MalformedFile = {
  readonly format: "gguf" | "safetensors";
  readonly title: string;
  /** Whether it has to be read. */
  readonly takes: boolean;
  /** The code it is rejected with, or those of the notes it is read with. */
  readonly codes: readonly string[];
  readonly bytes: () => Uint8Array;
};

function files<Spec>(
  format: MalformedFile["format"],
  rows: readonly {
    readonly title: string;
    readonly file: Spec | Uint8Array;
    readonly code?: string;
    readonly reports?: readonly string[];
  }[],
  write: (spec: Spec) => Uint8Array,
): readonly MalformedFile[] {
  return rows.map(({ title, file, code, reports = [] }) => ({
    format,
    title,
    takes: code === undefined,
    codes: code === undefined ? reports : [code],
    bytes: () => (file instanceof Uint8Array ? file : write(file)),
  }));
}

/** Every file, in the order of the lists. */
export const MALFORMED_FILES: readonly MalformedFile[] = [
  ...files<GgufSpec>("gguf", GGUF_REJECTED, writeGguf),
  ...files<GgufSpec>("gguf", GGUF_ACCEPTED, writeGguf),
  ...files<SafetensorsSpec>("safetensors", SAFETENSORS_REJECTED, writeSafetensors),
  ...files<SafetensorsSpec>("safetensors", SAFETENSORS_ACCEPTED, writeSafetensors),
];
