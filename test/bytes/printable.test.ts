import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { printable, quote } from "../../src/bytes/printable.ts";

describe("printable", () => {
  it.each([
    ["an escape sequence", "\u001b]0;owned\u0007", "\\x1B]0;owned\\x07"],
    ["line ends and tabs", "a\r\n\tb", "a\\x0D\\x0A\\x09b"],
    ["C1 controls and DEL", "\u009b31m\u007f", "\\x9B31m\\x7F"],
    ["bidirectional controls", "\u202egnp.exe\u2066", "\\u{202E}gnp.exe\\u{2066}"],
    ["zero-width characters and a byte order mark", "a\u200b\u200db\ufeff", "a\\u{200B}\\u{200D}b\\u{FEFF}"],
    ["line and paragraph separators", "\u2028\u2029", "\\u{2028}\\u{2029}"],
    ["the soft hyphen", "\u00ad", "\\xAD"],
    ["fillers that look like nothing", "\u3164\uffa0\u115f\u1160", "\\u{3164}\\u{FFA0}\\u{115F}\\u{1160}"],
    ["tag characters", "\u{e0041}", "\\u{E0041}"],
    ["half a surrogate pair", "\ud800x", "\\u{D800}x"],
  ])("escapes %s", (_, text, escaped) => {
    expect(printable(text)).toBe(escaped);
  });

  it.each(["model.layers.0.attn_q.weight", "Ġtoken ▁ 你好 é 🤗", "C:\\models\\a.gguf"])(
    "leaves %j as it is",
    (text) => {
      expect(printable(text)).toBe(text);
    },
  );

  it("leaves nothing a terminal obeys, and escaping twice is escaping once", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const escaped = printable(text);
        expect(escaped).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        expect(printable(escaped)).toBe(escaped);
      }),
    );
  });
});

describe("quote", () => {
  it("quotes and escapes", () => {
    expect(quote("a\nb")).toBe('"a\\x0Ab"');
  });

  it("cuts what is too long for a message and says how long it was", () => {
    expect(quote("x".repeat(1_000))).toBe(`"${"x".repeat(120)}..." (1000 characters)`);
    expect(quote("x".repeat(120))).toBe(`"${"x".repeat(120)}"`);
  });
});
