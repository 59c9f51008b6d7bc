import { describe, expect, it } from "vitest";
import { failureOf } from "../../src/cli/failure.ts";
import { UsageError } from "../../src/cli/usage-error.ts";
import { InspectError } from "../../src/errors.ts";
import { PLAIN } from "../../src/report/style.ts";

describe("a failure", () => {
  it("of the model is one clear line, where it is, and what may help", () => {
    const error = new InspectError("gated", "org/name is gated", { source: "org/name", status: 401, requestId: "r1" });
    expect(failureOf(error, PLAIN)).toEqual({
      exitCode: 1,
      lines: [
        "weighin: org/name is gated",
        "  status 401, request id r1",
        "  a token is given by HF_TOKEN in the environment, or by --token",
      ],
    });
  });

  it("of the usage ends with 2 and names the flag instead of the library's option", () => {
    const error = new InspectError("invalid-option", "options.contextTokens must be given", { key: "contextTokens" });
    expect(failureOf(error, PLAIN)).toEqual({ exitCode: 2, lines: ["weighin: --context must be given"] });
    const refused = new InspectError("unsupported-option", 'leave flashAttention "auto", the cache as it is');
    expect(failureOf(refused, PLAIN).lines).toEqual(['weighin: leave --flash-attn "auto", the cache as it is']);
    expect(failureOf(new UsageError("bad"), PLAIN).exitCode).toBe(2);
    expect(failureOf(new InspectError("unsupported-runtime", "no"), PLAIN).exitCode).toBe(2);
  });

  it("of the network says what can be set from here, and speaks of no option of the library", () => {
    const error = new InspectError("network", "No connection for org/name: ENOTFOUND", { source: "org/name" });
    const text = failureOf(error, PLAIN).lines.join("\n");
    for (const word of ["NODE_USE_ENV_PROXY", "--endpoint", "--offline"]) expect(text).toContain(word);
    expect(text).not.toContain("options.");
  });

  it("never hands a file's text to the terminal as it is", () => {
    const error = new InspectError("invalid-tensor", "tensor \u001b[2J", { tensor: "\u009b31m" });
    const { lines } = failureOf(error, PLAIN);
    expect(lines).toEqual(["weighin: tensor \\x1B[2J", "  tensor \\x9B31m"]);
  });

  it("of ours shows where it happened", () => {
    const { exitCode, lines } = failureOf(new TypeError("boom"), PLAIN);
    expect(exitCode).toBe(1);
    expect(lines.join("\n")).toMatch(/please report.*TypeError: boom.*failure\.test/s);
  });
});
