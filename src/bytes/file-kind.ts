import { quote } from "./printable.ts";

/** What a file that is not what its name says turns out to be. */
export type FileKind = {
  readonly kind: FileKindName;
  /** For a sentence: "the file is …". */
  readonly phrase: string;
  /** What to do about it, as a sentence. */
  readonly hint: string;
};

export type FileKindName =
  | "empty"
  | "zeros"
  | "git-lfs-pointer"
  | "html"
  | "xml"
  | "pytorch-zip"
  | "zip"
  | "pickle"
  | "gguf"
  | "ggml"
  | "safetensors"
  | "json"
  | "gzip"
  | "hdf5"
  | "numpy"
  | "text";

/** Bytes from the start of a file that {@link fileKindOf} makes use of. */
export const FILE_KIND_BYTES = 512;

/** Fewer zero bytes may be an ordinary number. */
const ZEROS_BYTES = 16;
/** Fewer characters may be a magic number nobody told us about. */
const TEXT_BYTES = 16;

const CONVERT = "Convert it to safetensors or GGUF; its code is never run here.";
const DOWNLOAD_AGAIN = "Download the file again.";

type Signature = FileKind & { readonly matches: (head: string, bytes: Uint8Array) => boolean };

const startsWith =
  (...prefixes: readonly string[]) =>
  (head: string): boolean =>
    prefixes.some((prefix) => head.startsWith(prefix));

const textStartsWith =
  (...prefixes: readonly string[]) =>
  (head: string): boolean => {
    const text = head
      .replace(/^\xEF\xBB\xBF/, "")
      .trimStart()
      .toLowerCase();
    return prefixes.some((prefix) => text.startsWith(prefix));
  };

/** The first that matches is the answer. */
const SIGNATURES: readonly Signature[] = [
  {
    kind: "empty",
    phrase: "empty (0 bytes)",
    hint: "Is the download incomplete?",
    matches: (head) => head.length === 0,
  },
  {
    kind: "zeros",
    phrase: "filled with zero bytes, as a download that was reserved but never written",
    hint: DOWNLOAD_AGAIN,
    matches: (_head, bytes) => bytes.length >= ZEROS_BYTES && bytes.every((byte) => byte === 0),
  },
  {
    kind: "git-lfs-pointer",
    phrase: "a Git LFS pointer, not the file it points to",
    hint: "Run `git lfs pull` in the repository.",
    matches: startsWith("version https://git-lfs", "version https://hawser"),
  },
  {
    kind: "html",
    phrase: "an HTML page, as a server sends for a login or an error",
    hint: "Download the file itself (`/resolve/`, not `/blob/`), with a token where the repository asks for one.",
    matches: textStartsWith("<!doctype html", "<html", "<head", "<body"),
  },
  {
    kind: "xml",
    phrase: "an XML text, as a storage server sends for an error",
    hint: DOWNLOAD_AGAIN,
    matches: textStartsWith("<?xml", "<error>"),
  },
  {
    kind: "pytorch-zip",
    phrase: "a PyTorch pickle checkpoint",
    hint: CONVERT,
    matches: (head) => head.startsWith("PK\x03\x04") && head.includes("data.pkl"),
  },
  {
    kind: "zip",
    phrase: "a ZIP archive",
    hint: "Unpack it, or convert it when it is a checkpoint.",
    matches: startsWith("PK\x03\x04", "PK\x05\x06"),
  },
  {
    kind: "pickle",
    phrase: "a PyTorch pickle checkpoint",
    hint: CONVERT,
    matches: startsWith("\x80\x02", "\x80\x03", "\x80\x04", "\x80\x05"),
  },
  { kind: "gguf", phrase: "a GGUF file", hint: "Name it `.gguf`.", matches: startsWith("GGUF") },
  {
    kind: "ggml",
    phrase: "a GGML file from before GGUF (August 2023)",
    hint: "Convert it with `convert_llama_ggml_to_gguf.py` of llama.cpp, or download a GGUF file.",
    matches: startsWith("lmgg", "fmgg", "tjgg", "algg"),
  },
  {
    kind: "safetensors",
    phrase: "a safetensors file",
    hint: "Name it `.safetensors`.",
    matches: (head, bytes) => bytes.length > 8 && bytes[6] === 0 && bytes[7] === 0 && /^\s*\{/.test(head.slice(8)),
  },
  {
    kind: "json",
    phrase: "a JSON text",
    hint: "Give the weights themselves: a `.gguf` or `.safetensors` file, or the directory.",
    matches: (head, bytes) => textStartsWith("{", "[")(head) && isText(bytes),
  },
  { kind: "gzip", phrase: "a gzip archive", hint: "Unpack it.", matches: startsWith("\x1f\x8b") },
  { kind: "hdf5", phrase: "an HDF5 file (Keras, TensorFlow)", hint: CONVERT, matches: startsWith("\x89HDF\r\n") },
  { kind: "numpy", phrase: "a NumPy array", hint: CONVERT, matches: startsWith("\x93NUMPY") },
];

/** Valid UTF-8, which may be cut at the end, without control characters. */
function isText(bytes: Uint8Array): boolean {
  if (!bytes.every((byte) => byte >= 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d)) return false;
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}

/** Recognises a file by its first bytes (up to {@link FILE_KIND_BYTES}); undefined when nothing is known about it. */
export function fileKindOf(prefix: Uint8Array): FileKind | undefined {
  const bytes = prefix.subarray(0, FILE_KIND_BYTES);
  // One character a byte. TextDecoder's "latin1" is windows-1252 in newer runtimes and moves bytes 0x80 to 0x9f.
  const head = String.fromCharCode(...bytes);
  const found = SIGNATURES.find((signature) => signature.matches(head, bytes));
  if (found !== undefined) return { kind: found.kind, phrase: found.phrase, hint: found.hint };
  if (bytes.length < TEXT_BYTES || !isText(bytes)) return undefined;
  const line = head.trim().split("\n", 1)[0] ?? "";
  return { kind: "text", phrase: `a text that begins with ${quote(line.slice(0, 60))}`, hint: DOWNLOAD_AGAIN };
}
