import { defineConfig, type ViteUserConfig } from "vitest/config";
import { closingLine } from "./test/support/closing-line.ts";

/** The folders that read what strangers wrote: nearly every branch of them is taken by a test. */
const READERS = ["src/bytes/**", "src/source/**", "src/formats/**"];
/** Nothing of these is left to run once the types are taken away. */
const TYPES_ONLY = [
  "src/formats/reading.ts",
  "src/formats/tensor-entry.ts",
  "src/source/byte-source.ts",
  "src/source/header-cache.ts",
  "src/source/local-opener.ts",
  "src/source/resolved.ts",
];

const config: ViteUserConfig = defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 20_000,
    reporters: ["default", closingLine],
    coverage: {
      provider: "v8",
      include: READERS,
      exclude: TYPES_ONLY,
      reporter: ["text"],
      thresholds: Object.fromEntries(READERS.map((folder) => [folder, { branches: 95 }])),
    },
  },
});

export default config;
