import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const DEMO = "fixtures/files/demo.gguf";

function start(...args: string[]) {
  const child = spawn(process.execPath, ["--import", "tsx", "src/cli/main.ts", ...args], {
    cwd: ROOT,
    env: { PATH: process.env["PATH"], HOME: "/nonexistent" },
  });
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => {
    output.stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    output.stderr += chunk;
  });
  return { child, output };
}

it("passes the exit code on", async () => {
  const { child, output } = start(DEMO, "--device", "1MiB", "--json");
  expect((await once(child, "close"))[0]).toBe(3);
  expect(JSON.parse(output.stdout).model.format).toBe("gguf");
  expect(output.stderr).toBe("");
});

it("is quiet when the reader of its output goes away", async () => {
  const { child, output } = start(DEMO, "--json", "--tensors");
  child.stdout.destroy();
  expect((await once(child, "close"))[0]).toBe(0);
  expect(output.stderr).toBe("");
});

it("stops at once when interrupted, with 130", async () => {
  const server = createServer(() => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const { child, output } = start("org/name", "--endpoint", `http://127.0.0.1:${port}`);
  await once(server, "request");
  child.kill("SIGINT");
  expect((await once(child, "close"))[0]).toBe(130);
  expect(output).toEqual({ stdout: "", stderr: "" });
  server.closeAllConnections();
  server.close();
});
