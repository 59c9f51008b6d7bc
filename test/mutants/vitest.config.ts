import { defineConfig, type ViteUserConfig } from "vitest/config";
import { MUTANTS } from "./mutants.ts";

/** Runs tests on the code with one check taken out: the one that the variable names by its number. */
const mutant = MUTANTS[Number(process.env["WEIGHIN_MUTANT"])];

const config: ViteUserConfig = defineConfig({
  root: new URL("../..", import.meta.url).pathname,
  plugins: [
    {
      name: "mutant",
      enforce: "pre",
      transform: (code, id) =>
        mutant !== undefined && id.endsWith(`/${mutant.file}`) ? code.replace(mutant.from, () => mutant.to) : undefined,
    },
  ],
  test: { include: ["test/**/*.test.ts"], testTimeout: 10_000, bail: 1, reporters: ["dot"] },
});

export default config;
