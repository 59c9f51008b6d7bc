import { defineConfig, type ViteUserConfig } from "vitest/config";
import { closingLine } from "./test/support/closing-line.ts";

const config: ViteUserConfig = defineConfig({
  test: { include: ["test/**/*.test.ts"], testTimeout: 20_000, reporters: ["default", closingLine] },
});

export default config;
