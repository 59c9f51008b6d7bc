/** One check taken out of the code, and the tests that must notice. */
export type Mutant = {
  /** What is no longer checked. */
  readonly without: string;
  readonly file: string;
  /** Stands once in the file. */
  readonly from: string;
  readonly to: string;
  /** Folders or files of tests. */
  readonly tests: readonly string[];
};

const FORMATS = ["test/formats", "test/bytes"];
const SOURCES = ["test/source", "test/hub"];

/** The checks that stand between a hostile file, server or name and the rest. */
export const MUTANTS: readonly Mutant[] = [
  {
    without: "a length held against the bytes that remain",
    file: "src/bytes/stream-cursor.ts",
    from: "if (length > left) {",
    to: "if (false) {",
    tests: FORMATS,
  },
  {
    without: "the budget of a header",
    file: "src/bytes/stream-cursor.ts",
    from: "if (length > endBytes - offset) {",
    to: "if (false) {",
    tests: FORMATS,
  },
  {
    without: "products that must not round",
    file: "src/bytes/checked.ts",
    from: "if (!Number.isSafeInteger(product)) return undefined;",
    to: "",
    tests: FORMATS,
  },
  {
    without: "the depth of JSON",
    file: "src/bytes/json-scanner.ts",
    from: "const maxDepth = Math.min(dialect.maxDepth, MAX_DEPTH);",
    to: "const maxDepth = 1e9;",
    tests: FORMATS,
  },
  {
    without: "control characters escaped",
    file: "src/bytes/printable.ts",
    from: "export function printable(text: string): string {",
    to: "export function printable(text: string): string {\n  if (text !== '') return text;",
    tests: ["test/bytes/printable.test.ts", "test/formats"],
  },
  {
    without: "tensors in their places (GGUF)",
    file: "src/formats/gguf/layout.ts",
    from: "if (offset !== expected) throw misplaced(name, offset, expected, layout);",
    to: "",
    tests: FORMATS,
  },
  {
    without: "the end of the file (GGUF)",
    file: "src/formats/gguf/layout.ts",
    from: "if (end > sizeBytes) {",
    to: "if (false) {",
    tests: FORMATS,
  },
  {
    without: "the number of dimensions",
    file: "src/formats/gguf/read-tensor-infos.ts",
    from: "if (dimensions > MAX_DIMENSIONS) {",
    to: "if (false) {",
    tests: FORMATS,
  },
  {
    without: "rows in whole blocks",
    file: "src/formats/gguf/read-tensor-infos.ts",
    from: "if (row % type.blockElements !== 0) {",
    to: "if (false) {",
    tests: FORMATS,
  },
  {
    without: "arrays of arrays refused",
    file: "src/formats/gguf/read-metadata.ts",
    from: 'if (elementType === "array") {',
    to: "if (false) {",
    tests: FORMATS,
  },
  {
    without: "the length of an array",
    file: "src/formats/gguf/read-metadata.ts",
    from: "cursor.require(BigInt(declared) * BigInt(smallestBytes),",
    to: "((_: bigint, __: string) => undefined)(0n,",
    tests: FORMATS,
  },
  {
    without: "keys that repeat",
    file: "src/formats/gguf/read-metadata.ts",
    from: "if (metadata.has(key)) {",
    to: "if (false) {",
    tests: FORMATS,
  },
  {
    without: "holes and overlaps (safetensors)",
    file: "src/formats/safetensors/layout.ts",
    from: "if (info.begin !== expected) throw misplaced(info, expected, layout);",
    to: "",
    tests: FORMATS,
  },
  {
    without: "a shape held against its bytes",
    file: "src/formats/safetensors/layout.ts",
    from: "if (bits / 8n !== spanBytes) {",
    to: "if (false) {",
    tests: FORMATS,
  },
  {
    without: "bytes after the data (safetensors)",
    file: "src/formats/safetensors/layout.ts",
    from: "if (end < sizeBytes) {",
    to: "if (false) {",
    tests: FORMATS,
  },
  {
    without: "a header's length held against its limit",
    file: "src/formats/safetensors/read.ts",
    from: "if (textBytes > limit) {",
    to: "if (false) {",
    tests: FORMATS,
  },
  {
    without: "the token kept to its origin",
    file: "src/source/http-request.ts",
    from: "url.origin === new URL(endpoint).origin ? token : undefined",
    to: "endpoint !== '' ? token : undefined",
    tests: SOURCES,
  },
  {
    without: "redirects from https to http refused",
    file: "src/source/http-request.ts",
    from: 'if (from.protocol === "https:" && next.protocol === "http:") throw refuse("it leads from https to http");',
    to: "",
    tests: SOURCES,
  },
  {
    without: "the range held against the one asked for",
    file: "src/source/http-range.ts",
    from: "if (first !== start || last < first || last >= end || (total !== undefined && last >= total)) {",
    to: "if (false) {",
    tests: SOURCES,
  },
  {
    without: "requests counted",
    file: "src/source/http-request.ts",
    from: "if (target.budget.left <= 0) {",
    to: "if (false) {",
    tests: SOURCES,
  },
  {
    without: "parent segments in a path",
    file: "src/source/safe-path.ts",
    from: 'if (segments.includes(".") || segments.includes("..")) throw unsafe(path, source, "has a . or .. segment");',
    to: "",
    tests: SOURCES,
  },
  {
    without: "paths decoded before they are judged",
    file: "src/source/safe-path.ts",
    from: "const decoded = decodeFully(path);",
    to: "const decoded: string | undefined = path;",
    tests: SOURCES,
  },
  {
    without: "regular files alone",
    file: "src/source/file.ts",
    from: "if (stats.isFile()) return;",
    to: "if (stats !== undefined) return;",
    tests: SOURCES,
  },
];
