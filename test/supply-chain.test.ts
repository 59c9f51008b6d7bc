import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../src/limits.ts";

const ROOT = join(import.meta.dirname, "..");
const FOLDER = join(ROOT, ".github/workflows");
const workflows = readdirSync(FOLDER).map((file) => ({ file, text: readFileSync(join(FOLDER, file), "utf8") }));

describe("the workflows", () => {
  test.each(workflows)("$file pins every action by its commit and says which release that is", ({ text }) => {
    const uses = [...text.matchAll(/^\s*- uses: (.*)$/gm)].map(([, action = ""]) => action);
    expect(uses.length).toBeGreaterThan(0);
    expect(uses.filter((action) => !/^[\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d/.test(action))).toEqual([]);
  });

  test.each(workflows)("$file reads by default, and keeps no credentials", ({ text }) => {
    expect(text).toMatch(/^permissions:\n {2}contents: read$/m);
    expect(text).not.toMatch(/write-all|secrets\./);
    const checkouts = text.match(/uses: actions\/checkout@/g)?.length;
    expect(text.match(/persist-credentials: false/g)?.length).toBe(checkouts);
  });

  test("publishing is the only right to an identity with npm, and tests come first", () => {
    const release = workflows.find(({ file }) => file === "release.yml")?.text ?? "";
    expect(release.indexOf("bash .ci/run")).toBeLessThan(release.indexOf("npm publish"));
    expect(release).toContain("npm sbom");
  });
});

describe("SECURITY.md", () => {
  const text = readFileSync(join(ROOT, "SECURITY.md"), "utf8");

  test.each(Object.entries(DEFAULT_LIMITS))("says the limit %s of %d", (name, value) => {
    expect(text).toContain(`| \`${name}\` | ${value.toLocaleString("en-US")} |`);
  });
});
