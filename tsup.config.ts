import { readFileSync, writeFileSync } from "node:fs";
import { defineConfig, type Options } from "tsup";

/** Libraries the command line uses; they are bundled, so that the package has no dependency to install. */
const BUNDLED = ["commander", "picocolors"];

const shared: Options = {
  format: "esm",
  target: "node20",
  splitting: true,
  // Half of an import is spent on reading the code: `bench/` holds it to 25 ms.
  minify: true,
  outExtension: () => ({ js: ".js" }),
};

const config: ReturnType<typeof defineConfig> = defineConfig([
  {
    ...shared,
    entry: { index: "src/index.ts", cli: "src/cli/main.ts" },
    platform: "node",
    noExternal: BUNDLED,
    // commander is CommonJS and requires Node's own modules, which an ES module has to provide.
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
    dts: { entry: { index: "src/index.ts" } },
    clean: ["dist"],
    onSuccess: async () => {
      const licenses = BUNDLED.map((name) => `${name}\n\n${readFileSync(`node_modules/${name}/LICENSE`, "utf8")}`);
      writeFileSync("dist/THIRD-PARTY-LICENSES.txt", licenses.join("\n----\n\n"));
    },
  },
  { ...shared, entry: { browser: "src/browser.ts" }, platform: "browser", target: "es2022", dts: true },
]);

export default config;
