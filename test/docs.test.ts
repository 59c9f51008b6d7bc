import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, test, vi } from "vitest";
import * as weighin from "../src/index.ts";

const ROOT = join(import.meta.dirname, "..");
const GENERATED = join(import.meta.dirname, ".generated");
const sources = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts") && !file.startsWith("cli/") && !file.endsWith("-browser.ts"))
  .map((file) => readFileSync(join(ROOT, "src", file), "utf8"));

/** The docblock right before the declaration of an exported name. */
function docblockOf(name: string): string | undefined {
  const declaration = new RegExp(
    `/\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/\\s*export (?:async )?(?:function|const|class|type|interface) ${name}\\b`,
  );
  return sources.map((text) => declaration.exec(text)?.[1]).find((block) => block !== undefined);
}

function publicTypeNames(): string[] {
  const text = readFileSync(join(ROOT, "src", "public.ts"), "utf8");
  return [...text.matchAll(/export (type )?\{([^}]*)\}/g)]
    .flatMap(([, all, list = ""]) =>
      list
        .split(",")
        .map((name) => name.trim())
        .filter((name) => name !== "" && (all !== undefined || name.startsWith("type "))),
    )
    .map((name) => name.replace("type ", ""));
}

type Example = { readonly title: string; readonly code: string };

/** TypeScript blocks of a text; a block that shows a shell or data is not an example. */
function examplesIn(title: string, text: string): Example[] {
  return [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = ""], index) => ({
    title: `${title} ${index + 1}`,
    code: code.replace(/^ ?\* ?/gm, ""),
  }));
}

const names = [...Object.keys(weighin), ...publicTypeNames()];
const examples = [
  ...names.flatMap((name) => examplesIn(name, docblockOf(name) ?? "")),
  ...[
    "README.md",
    ...readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" }).map((file) => join("docs", file)),
  ]
    .filter((file) => file.endsWith(".md"))
    .flatMap((file) => examplesIn(file, readFileSync(join(ROOT, file), "utf8"))),
];

afterAll(() => rmSync(GENERATED, { recursive: true, force: true }));

describe("the documentation", () => {
  test.each(names)("says what %s is, with an example", (name) => {
    const block = docblockOf(name);
    expect(block).toBeDefined();
    expect(block).toMatch(/@example\s+\*?\s*```ts/);
  });

  test("has examples to run", () => {
    expect(examples.length).toBeGreaterThan(10);
  });

  test.each(examples)("the example of $title runs and prints what it says", async ({ title, code }) => {
    mkdirSync(GENERATED, { recursive: true });
    const file = join(GENERATED, `${title.replace(/\W+/g, "-")}.ts`);
    writeFileSync(file, code.replaceAll('"weighin"', JSON.stringify(join(ROOT, "src", "index.ts"))));
    const printed: string[] = [];
    const log = vi.spyOn(console, "log").mockImplementation((...values) => {
      printed.push(values.map((value) => (typeof value === "string" ? value : JSON.stringify(value))).join(" "));
    });
    try {
      await import(/* @vite-ignore */ pathToFileURL(file).href);
    } finally {
      log.mockRestore();
    }
    const said = [...code.matchAll(/console\.log\(.*\);?\s*\/\/ (.*)$/gm)].map((match) => match[1]);
    for (const line of said) expect(printed).toContain(line);
  });
});
