import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { architecturesDoc, committedArchitecturesDoc } from "../../conformance/architectures-doc.ts";
import { ENGINE_WITHOUT } from "../../conformance/llama-cpp/architectures/unasked.ts";
import { ARCHITECTURES } from "../../src/model/architectures/registry.ts";
import { PROVEN_ARCHITECTURES } from "../../src/runtimes/llama-cpp/proven.ts";

const SRC = join(import.meta.dirname, "../../src");
const FOLDER = join(SRC, "model/architectures");

describe("the tables of architectures", () => {
  it("name every architecture once", () => {
    const gguf = ARCHITECTURES.flatMap((entry) => entry.gguf.flatMap(({ names }) => names));
    const config = ARCHITECTURES.flatMap((entry) => entry.config.flatMap(({ modelTypes }) => modelTypes));
    expect(gguf.length).toBe(new Set(gguf).size);
    expect(config.length).toBe(new Set(config).size);
  });

  it("cover every GGUF name of llama.cpp 0.5.0 whose cache it can be asked for", () => {
    const gguf = ARCHITECTURES.flatMap((entry) => entry.gguf.flatMap(({ names }) => names));
    expect([...gguf].sort()).toEqual([...PROVEN_ARCHITECTURES].sort());
    expect(gguf.length + ENGINE_WITHOUT.length).toBe(152);
  });

  it("are files of less than 150 lines", () => {
    const lengths = readdirSync(FOLDER).map(
      (file) => [file, readFileSync(join(FOLDER, file), "utf8").split("\n").length] as const,
    );
    expect(lengths.filter(([, lines]) => lines >= 150)).toEqual([]);
  });

  it("are the only place that asks which architecture it is", () => {
    const asking = readdirSync(SRC, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts") && !file.startsWith("model/architectures/"))
      .filter((file) => /\barchitecture\s*[!=]==\s*["'][\w-]/.test(readFileSync(join(SRC, file), "utf8")));
    expect(asking).toEqual([]);
  });

  it("are told in docs/architectures.md as they are (npm run generate)", async () => {
    expect(committedArchitecturesDoc()).toBe(await architecturesDoc());
  });
});
