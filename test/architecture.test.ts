import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, test } from "vitest";

const SRC = join(import.meta.dirname, "..", "src");
const files = readdirSync(SRC, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .sort();

/** Rooms in the order of the road; a room may import those before it. */
const ROAD = ["foundation", "bytes", "source", "formats", "model", "runtimes", "inspection", "report", "cli"];
const FOUNDATION = ["errors.ts", "diagnostics.ts", "limits.ts"];

function room(file: string): string {
  const [folder = "", rest] = file.split("/");
  if (rest !== undefined) return folder;
  return FOUNDATION.includes(file) ? "foundation" : "inspection";
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(SRC, file), "utf8");
  return [...text.matchAll(/(?:^|\n)(?:import|export)\s[^;]*?from\s+"([^"]+)"|import\("([^"]+)"\)/g)].map(
    (match) => match[1] ?? match[2] ?? "",
  );
}

function localImportsOf(file: string): string[] {
  return importsOf(file)
    .filter((name) => name.startsWith("."))
    .map((name) => normalize(join(dirname(file), name)));
}

/** Files that may touch the machine. */
const NODE_FILES = /^(cli\/|source\/(file|directory|local|hub-cache)[\w-]*\.ts$|inspect\.ts$|index\.ts$)/;

describe("the tree", () => {
  test("every folder of src is a room of the road", () => {
    expect(files.map(room).filter((name) => !ROAD.includes(name))).toEqual([]);
  });

  test("imports point left along the road", () => {
    const wrong = files.flatMap((file) =>
      localImportsOf(file)
        .filter((target) => ROAD.indexOf(room(target)) > ROAD.indexOf(room(file)))
        .map((target) => `${file} -> ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  test("only the command line imports packages, and only files that read the disk import node:", () => {
    const wrong = files.flatMap((file) =>
      importsOf(file)
        .filter((name) => !name.startsWith("."))
        .filter((name) => (name.startsWith("node:") ? !NODE_FILES.test(file) : !file.startsWith("cli/")))
        .map((name) => `${file} -> ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  test("the browser entry reaches no file that imports node:", () => {
    const reached = new Set<string>();
    const visit = (file: string): void => {
      if (reached.has(file)) return;
      reached.add(file);
      for (const target of localImportsOf(file)) visit(target);
    };
    visit("browser.ts");
    expect([...reached].filter((file) => importsOf(file).some((name) => name.startsWith("node:")))).toEqual([]);
    expect(reached.size).toBeGreaterThan(20);
  });

  test("no file but the command line reads the environment or writes to the console", () => {
    const wrong = files
      .filter((file) => !file.startsWith("cli/"))
      .filter((file) => /\bprocess\.(env|stdout|stderr)\b|\bconsole\./.test(withoutComments(file)));
    expect(wrong).toEqual([]);
  });

  test("no source file is longer than 500 lines", () => {
    const lengths = files.map((file) => [file, readFileSync(join(SRC, file), "utf8").split("\n").length] as const);
    expect(lengths.filter(([, lines]) => lines > 500)).toEqual([]);
  });
});

function withoutComments(file: string): string {
  return readFileSync(join(SRC, file), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
}
