import { defineConfig, type ViteUserConfig } from "vitest/config";

/** Tests that ask an engine, which `npm run conformance` runs; `npm test` has its own. */
const config: ViteUserConfig = defineConfig({
  test: { include: ["conformance/**/*.test.ts"], exclude: ["**/node_modules/**", "**/work/**"], testTimeout: 60_000 },
});

export default config;
