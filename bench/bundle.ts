/**
 * What the package takes in a browser's bundle, by part: minified and gzipped. A page that calls `inspectModel` loads
 * `inspectModel` first; the part that derives the model follows while headers are under way, where its bundler splits code at
 * dynamic imports. Estimates come with the runtimes.
 *
 *   npx tsx bench/bundle.ts [--check]
 */
import { resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const ROOT = resolve(import.meta.dirname, "..");
/** Reading any header, before anything is derived. */
const CORE_BAR_BYTES = 40 * 1024;

type Part = { readonly name: string; readonly code: string; readonly bar?: number };

const PARTS: readonly Part[] = [
  { name: "inspectModel, first chunk", code: 'export { inspectModel } from "./src/browser.ts"', bar: CORE_BAR_BYTES },
  { name: "deriving the model", code: 'export { buildModel } from "./src/model/build.ts"' },
  {
    name: "  of which its tables",
    code: 'export * from "./src/model/architectures/registry.ts"; export * from "./src/model/config-defaults.ts"',
  },
  { name: "estimateMemory, all runtimes", code: 'export { estimateMemory } from "./src/browser.ts"' },
  { name: "graphs, when they are loaded", code: 'export * from "./src/runtimes/llama-cpp/draw-compute.ts"' },
  { name: "everything", code: 'export * from "./src/browser.ts"' },
];

async function firstLoad({ code }: Part): Promise<Uint8Array> {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: ROOT, loader: "ts" },
    bundle: true,
    minify: true,
    splitting: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    outdir: "out",
    write: false,
  });
  const entry = outputFiles.find(({ path }) => path.endsWith("stdin.js"));
  if (entry === undefined) throw new Error("the bundle has no entry");
  // What the entry imports statically comes with it.
  const statics = [...entry.text.matchAll(/(?:from|import)"\.\/(chunk-[^"]+)"/g)].map(([, name = ""]) => name);
  const loaded = outputFiles.filter(({ path }) => path === entry.path || statics.some((name) => path.endsWith(name)));
  return Buffer.concat(loaded.map(({ contents }) => contents));
}

for (const part of PARTS) {
  const first = await firstLoad(part);
  const zipped = gzipSync(first, { level: 9 }).length;
  const bar = part.bar === undefined ? "" : zipped <= part.bar ? ", met" : `, MISSED: at most ${part.bar}`;
  console.log(
    `${part.name.padEnd(30)} ${String(first.length).padStart(8)} bytes, ${String(zipped).padStart(6)} gzip${bar}`,
  );
  if (bar.includes("MISSED") && process.argv.includes("--check")) process.exitCode = 1;
}
