import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..");
const DEMO = join(ROOT, "fixtures", "files", "demo.gguf");
const npm = process.platform === "win32" ? "npm.cmd" : "npm";
const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");

let folder: string;
let packed: readonly string[];

function run(command: string, args: readonly string[], cwd: string): string {
  return execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "weighin-packed-"));
  run(npm, ["run", "build", "--silent"], ROOT);
  const [report] = JSON.parse(run(npm, ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], ROOT));
  packed = report.files.map((file: { path: string }) => file.path);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "stranger", private: true }));
  run(npm, ["install", join(folder, report.filename), "--offline", "--no-audit", "--no-fund"], folder);
}, 180_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("package.json", () => {
  const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));

  test("has no dependency to install, and no install script", () => {
    expect(manifest.dependencies).toBeUndefined();
    expect(manifest.peerDependencies).toBeUndefined();
    expect(Object.keys(manifest.scripts).filter((name) => /^(pre|post)?install$|^prepare$/.test(name))).toEqual([]);
  });

  test("is ESM for Node 20.19 and newer, without side effects", () => {
    expect(manifest.type).toBe("module");
    expect(manifest.sideEffects).toBe(false);
    expect(manifest.engines).toEqual({ node: ">=20.19" });
    expect(manifest.license).toBe("MIT");
  });

  test("pins every development dependency", () => {
    const loose = Object.entries<string>(manifest.devDependencies).filter(([, version]) => !/^\d/.test(version));
    expect(loose).toEqual([]);
  });
});

describe("the packed package", () => {
  test("holds the build, its licences and the documents, and nothing else", () => {
    const others = packed.filter((path) => !/^dist\/[\w.-]+\.(js|d\.ts|txt)$/.test(path)).sort();
    expect(others).toEqual(["CHANGELOG.md", "LICENSE", "README.md", "package.json"]);
    expect(packed).toEqual(
      expect.arrayContaining([
        "dist/index.js",
        "dist/index.d.ts",
        "dist/browser.js",
        "dist/browser.d.ts",
        "dist/cli.js",
        "dist/THIRD-PARTY-LICENSES.txt",
      ]),
    );
  });

  test("works through import", () => {
    const script = `import { inspectModel } from "weighin"; const m = await inspectModel(process.argv[1]); console.log(m.architecture, m.layerCount);`;
    expect(run(process.execPath, ["--input-type=module", "-e", script, DEMO], folder)).toMatch(/^\w+ \d+\n$/);
  });

  test("works through require", () => {
    const script = `const { inspectModel } = require("weighin"); inspectModel(process.argv[1]).then((m) => console.log(m.architecture, m.layerCount));`;
    expect(run(process.execPath, ["-e", script, DEMO], folder)).toMatch(/^\w+ \d+\n$/);
  });

  test("has types that resolve from ES modules, CommonJS and bundlers", () => {
    const use = `import { inspectModel, type Model } from "weighin";\nexport const bytes = async (): Promise<number> => { const model: Model = await inspectModel("x"); return model.weights.bytes; };\n`;
    writeFileSync(join(folder, "use.mts"), use);
    writeFileSync(join(folder, "use.cts"), use);
    const flags = ["--noEmit", "--strict", "--target", "es2022", "--lib", "es2022,dom", "--skipLibCheck", "false"];
    run(process.execPath, [tsc, ...flags, "--module", "nodenext", "use.mts", "use.cts"], folder);
    run(process.execPath, [tsc, ...flags, "--module", "esnext", "--moduleResolution", "bundler", "use.mts"], folder);
  });

  test("bundles for a browser without a node: module, and stays small", async () => {
    writeFileSync(join(folder, "page.js"), `export { inspectModel, estimateMemory } from "weighin";`);
    const result = await build({
      entryPoints: [join(folder, "page.js")],
      bundle: true,
      minify: true,
      format: "esm",
      platform: "browser",
      metafile: true,
      write: false,
    });
    const inputs = Object.values(result.metafile.inputs).flatMap((input) => input.imports.map(({ path }) => path));
    expect(inputs.filter((path) => path.startsWith("node:"))).toEqual([]);
    const [bundle] = result.outputFiles;
    expect(bundle?.text).not.toMatch(/["'`]node:/);
    // Unsplit: a quarter is tables, the class defaults and layers of every architecture, and another the graphs of llama.cpp.
    expect(bundle?.contents.length).toBeLessThan(550_000);
  });

  test("brings a command that weighs a file", () => {
    const cli = join(folder, "node_modules", "weighin", "dist", "cli.js");
    expect(run(process.execPath, [cli, DEMO, "--json"], folder)).toContain('"schemaVersion"');
  });
});
