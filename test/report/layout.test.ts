import { describe, expect, it } from "vitest";
import { bar, stackedBar } from "../../src/report/bar.ts";
import { indent, renderTable } from "../../src/report/table.ts";
import { displayWidth, truncate, wrap } from "../../src/report/width.ts";

describe("bars", () => {
  it("fills eighths of a column", () => {
    expect(bar(1, 2, 10)).toBe("█████");
    expect(bar(1, 16, 10)).toBe("▋");
    expect(bar(2, 2, 3)).toBe("███");
  });

  it("shows a sliver for the smallest part and nothing for none", () => {
    expect(bar(1, 1e12, 10)).toBe("▏");
    expect(bar(0, 10, 10)).toBe("");
    expect(bar(1, 0, 10)).toBe("");
  });

  it("never leaves its columns", () => {
    expect(bar(30, 10, 5)).toBe("█████");
    const parts = [
      { size: 6, glyph: "a" },
      { size: 9, glyph: "b" },
    ];
    expect(stackedBar(parts, 10, 10, ".")).toBe("aaaaaabbbb");
  });

  it("stacks parts side by side and leaves the rest free", () => {
    const parts = [
      { size: 2, glyph: "a" },
      { size: 0, glyph: "b" },
      { size: 3, glyph: "c" },
    ];
    expect(stackedBar(parts, 10, 10, ".")).toBe("aaccc.....");
  });
});

describe("tables", () => {
  it("aligns columns, and paints after measuring", () => {
    const paint = (text: string) => `<${text}>`;
    const rows = [
      ["a", { text: "1", paint }, "x"],
      ["bbb", "22", ""],
    ];
    expect(renderTable([{ align: "left" }, { align: "right" }, { align: "left" }], rows)).toEqual([
      "a     <1>  x",
      "bbb  22",
    ]);
  });

  it("lets a cell run over its column's limit without moving the other rows", () => {
    const columns = [{ align: "left", maxWidth: 4 }, { align: "left" }] as const;
    expect(
      renderTable(columns, [
        ["abcdefgh", "1"],
        ["ab", "2"],
      ]),
    ).toEqual(["abcdefgh  1", "ab    2"]);
  });

  it("counts wide and combining characters as terminals do", () => {
    expect(displayWidth("模型")).toBe(4);
    expect(displayWidth("e\u0301")).toBe(1);
    expect(displayWidth("🙂")).toBe(2);
    expect(
      renderTable(
        [{ align: "left" }, { align: "left" }],
        [
          ["模型", "1"],
          ["abcd", "2"],
        ],
      ),
    ).toEqual(["模型  1", "abcd  2"]);
  });

  it("indents lines but not blank ones", () => {
    expect(indent(["a", "", "b"])).toEqual(["  a", "", "  b"]);
  });
});

describe("text", () => {
  it("cuts with an ellipsis inside the columns given", () => {
    expect(truncate("abcdef", 6)).toBe("abcdef");
    expect(truncate("abcdefg", 6)).toBe("abcde…");
    expect(displayWidth(truncate("模型模型", 6))).toBeLessThanOrEqual(6);
  });

  it("breaks lines at spaces, and inside a word longer than a line", () => {
    expect(wrap("one two three", 7)).toEqual(["one two", "three"]);
    expect(wrap("a abcdefghij b", 4)).toEqual(["a", "abcd", "efgh", "ij b"]);
  });
});
