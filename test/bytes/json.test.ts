import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonValue } from "../../src/bytes/json-scanner.ts";
import { parseLooseJson } from "../../src/bytes/loose-json.ts";
import { decodeUtf8, scanStrictJson } from "../../src/bytes/strict-json.ts";
import type { InspectCode } from "../../src/errors.ts";

const OPTIONS = { label: "header", maxDepth: 64 };
const strict = (text: string) => {
  const scanner = scanStrictJson(text, OPTIONS);
  const value = scanner.value();
  scanner.end();
  return value;
};
const loose = (text: string) => parseLooseJson(text, { ...OPTIONS, label: "config.json" });

/** Maps as objects, so that a value can be compared with what JSON.parse gives. */
function plain(value: JsonValue<number>): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, member]) => [key, plain(member)]));
  if (Array.isArray(value)) return value.map(plain);
  return value;
}

function rejection(code: InspectCode, says = ""): unknown {
  return expect.objectContaining({ name: "InspectError", code, message: expect.stringContaining(says) });
}

const BOTH = [
  ["strict", strict],
  ["loose", loose],
] as const;

describe.each(BOTH)("%s JSON", (_, parse) => {
  it.each([
    ["", "the text ends"],
    [" ", "the text ends"],
    ["{", "character 1"],
    ['{"a"', '":"'],
    ['{"a":1', '"," or "}"'],
    ['{"a":1,}', "a quoted key"],
    ["{a:1}", "a quoted key"],
    ["[1,]", "a value"],
    ["[1 2]", '"," or "]"'],
    ["[1}", '"," or "]"'],
    ["1 1", "the end of the text"],
    ["01", "the end of the text"],
    ["1.", "a digit"],
    [".5", "a value"],
    ["+1", "a value"],
    ["-", "a value"],
    ["1e", "a digit"],
    ["1e+", "a digit"],
    ["0x10", "the end of the text"],
    ["tru", "a value"],
    ["True", "a value"],
    ["nul", "a value"],
    ["'a'", "a value"],
    ['"a', "ends inside a string"],
    ['"a\n"', "control character"],
    ['"\\x41"', "an escape"],
    ['"\\u12"', "hexadecimal"],
    ['"\\u 123"', "hexadecimal"],
    ['"\\', "an escape"],
    ["// comment\n1", "a value"],
    ["\u00a01", "a value"],
    ["\ufeff{}", "a value"],
  ])("rejects %j", (text, says) => {
    expect(() => parse(text)).toThrow(rejection("invalid-json", says) as Error);
  });

  it("names the line and column of a mistake", () => {
    expect(() => parse('{\n "a": 1,\n "b": x\n}')).toThrow(rejection("invalid-json", "line 3, column 7") as Error);
  });

  it("refuses nesting beyond the limit, fast and without a stack overflow", () => {
    for (const text of ["[".repeat(1_000_000), '{"a":'.repeat(500_000)]) {
      const started = performance.now();
      expect(() => parse(text)).toThrow(rejection("limit-exceeded", "deeper than 64") as Error);
      expect(performance.now() - started).toBeLessThan(500);
    }
    expect(plain(parse("[".repeat(64) + "]".repeat(64)) as JsonValue<number>)).toBeDefined();
  });

  it("refuses numbers thousands of digits long", () => {
    expect(() => parse("1".repeat(1_000_000))).toThrow(rejection("limit-exceeded", "1000000 characters") as Error);
  });

  it("keeps integers exact at any size", () => {
    expect(parse("9007199254740991")).toBe(9_007_199_254_740_991);
    expect(parse("9007199254740993")).toBe(9_007_199_254_740_993n);
    expect(parse("-18446744073709551615")).toBe(-18_446_744_073_709_551_615n);
    expect(parse("0")).toBe(0);
  });

  it("keeps keys that are members of every object", () => {
    const value = parse('{"__proto__":1,"constructor":2}');
    expect(value).toEqual(
      new Map([
        ["__proto__", 1],
        ["constructor", 2],
      ]),
    );
  });
});

describe("strict JSON", () => {
  it.each(["2.0", "2e0", "2E+0", "-0", "1e400", "-1.5", "0.0"])(
    "keeps the text of %s, which is no plain integer",
    (text) => {
      expect(strict(text)).toEqual({ decimal: text });
    },
  );

  it("rejects a key that is there twice, as written or as decoded, near or far", () => {
    const far = Array.from({ length: 50 }, (_, i) => `"k${i}":${i}`).join(",");
    for (const text of [
      '{"a":1,"a":1}',
      '{"a":1,"\\u0061":1}',
      `{${far},"k0":0}`,
      `{${far},"k49":0}`,
      '[{"a":{"b":1,"b":2}}]',
    ]) {
      expect(() => strict(text)).toThrow(rejection("duplicate-key", "twice") as Error);
    }
    expect(strict('[{"a":1},{"a":1}]')).toHaveLength(2);
  });

  it.each(['"\\ud800"', '"\\udfff"', '"\\ud800\\ud800"', '"\\udc00\\ud800"', '"\\ud83dx"'])(
    "rejects the lone surrogate %s",
    (text) => {
      expect(() => strict(text)).toThrow(rejection("invalid-json", "surrogate") as Error);
    },
  );

  it("finds duplicates among 200,000 keys without comparing each with each", () => {
    const keys = Array.from({ length: 200_000 }, (_, i) => `"k${i}":0`).join(",");
    const started = performance.now();
    expect(strict(`{${keys}}`)).toHaveProperty("size", 200_000);
    expect(performance.now() - started).toBeLessThan(3_000);
  });

  it("joins surrogate pairs", () => {
    expect(strict('"\\ud83e\\udd17"')).toBe("🤗");
  });

  it.each(["NaN", "Infinity", "-Infinity"])("rejects %s", (text) => {
    expect(() => strict(text)).toThrow(rejection("invalid-json") as Error);
  });

  it("gives the byte offset of a mistake behind characters of several bytes", () => {
    const scan = () => scanStrictJson('"é" x', { ...OPTIONS, offset: 8 });
    const scanner = scan();
    scanner.value();
    expect(() => scanner.end()).toThrow(expect.objectContaining({ where: { source: "header", offset: 8 + 5 } }));
  });

  it("skips a value without keeping it, whatever its keys", () => {
    const scanner = scanStrictJson('[{"a":[1,{"b":"]"}],"a":2},3]', OPTIONS);
    const kept: unknown[] = [];
    scanner.array(() => {
      if (scanner.peek() === "object") scanner.skip();
      else kept.push(scanner.value());
    });
    scanner.end();
    expect(kept).toEqual([3]);
  });

  it("reads what JSON.parse reads, integers aside", () => {
    const json = fc.json({ stringUnit: "binary" }).filter((text) => !/[-.eE]/.test(text) || !text.includes("\\ud"));
    fc.assert(
      fc.property(json, (text) => {
        const asNumbers = (value: unknown): unknown => {
          if (value instanceof Map)
            return Object.fromEntries([...value].map(([key, member]) => [key, asNumbers(member)]));
          if (Array.isArray(value)) return value.map(asNumbers);
          if (typeof value === "object" && value !== null && "decimal" in value) return Number(value.decimal);
          return typeof value === "bigint" ? Number(value) : value;
        };
        expect(asNumbers(strict(text))).toEqual(JSON.parse(text));
      }),
      { numRuns: 500 },
    );
  });

  it("rejects whatever JSON.parse rejects", () => {
    const almost = fc
      .tuple(fc.json(), fc.nat(), fc.constantFrom(...'{}[]",:0-.eE\\tn \n'))
      .map(([text, at, character]) => {
        const place = at % (text.length + 1);
        return text.slice(0, place) + character + text.slice(place + 1);
      });
    fc.assert(
      fc.property(almost, (text) => {
        const accepts = (parse: (text: string) => unknown): boolean => {
          try {
            parse(text);
            return true;
          } catch {
            return false;
          }
        };
        if (!accepts(JSON.parse)) expect(accepts(strict)).toBe(false);
        expect(accepts(loose)).toBe(accepts(JSON.parse));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("loose JSON, as Python reads it", () => {
  it("takes NaN and the infinities for numbers", () => {
    expect(loose("[NaN, Infinity, -Infinity]")).toEqual([
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
    ]);
  });

  it("lets the last of two equal keys win", () => {
    expect(loose('{"a":1,"a":2}')).toEqual(new Map([["a", 2]]));
  });

  it("takes decimals for numbers", () => {
    expect(loose("[1.0, 1e-6, 10000.0, -0.0]")).toEqual([1, 1e-6, 10_000, -0]);
  });

  it("keeps lone surrogates", () => {
    expect(loose('"\\ud800"')).toBe("\ud800");
  });
});

describe("decodeUtf8", () => {
  it("throws invalid-utf8 for bytes that are not", () => {
    expect(() => decodeUtf8(Uint8Array.of(0x61, 0xff), "header")).toThrow(rejection("invalid-utf8", "header") as Error);
  });

  it("keeps a byte order mark", () => {
    expect(decodeUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61), "header")).toBe("\ufeffa");
  });
});
