import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

type Entry = { readonly version?: string; readonly optionalDependencies?: Readonly<Record<string, string>> };

const lock = JSON.parse(readFileSync(join(import.meta.dirname, "..", "package-lock.json"), "utf8"));
const packages: Readonly<Record<string, Entry>> = lock.packages;

describe("the lock file", () => {
  test("names the binaries of every platform, so that npm ci works on all of them", () => {
    const absent = Object.entries(packages).flatMap(([where, entry]) =>
      Object.keys(entry.optionalDependencies ?? {}).filter(
        (name) =>
          packages[`${where}/node_modules/${name}`] === undefined && packages[`node_modules/${name}`] === undefined,
      ),
    );
    expect(absent).toEqual([]);
  });

  test("pins versions and names no registry", () => {
    const loose = Object.entries(packages).filter(([where, { version }]) => where !== "" && !/^\d/.test(version ?? ""));
    expect(loose).toEqual([]);
    expect(JSON.stringify(lock)).not.toContain('"resolved"');
  });
});
