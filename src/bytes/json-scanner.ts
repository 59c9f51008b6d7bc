import { InspectError } from "../errors.ts";
import { quote } from "./printable.ts";

/**
 * A JSON value. Objects are Maps, so that no key can touch a prototype. Integers are numbers while they are safe,
 * bigints beyond; a number written any other way (`2.0`, `2e0`, `-0`) is whatever the dialect makes of it.
 */
export type JsonValue<Decimal> =
  | null
  | boolean
  | string
  | number
  | bigint
  | Decimal
  | readonly JsonValue<Decimal>[]
  | ReadonlyMap<string, JsonValue<Decimal>>;

export type JsonKind = "object" | "array" | "string" | "number" | "true" | "false" | "null";

/** Which JSON is read, and how its errors name the text. */
export type JsonDialect<Decimal> = {
  /** Label of the text in messages. */
  readonly label: string;
  /** Byte offset of the text in that source. */
  readonly offset: number;
  readonly maxDepth: number;
  readonly duplicateKeys: "reject" | "last-wins";
  readonly loneSurrogates: "reject" | "keep";
  /** Bare words that stand for numbers (`NaN`), by their text. */
  readonly constants: ReadonlyMap<string, Decimal>;
  /** A number that is not a plain integer, from its text. */
  decimal(token: string): Decimal;
};

/**
 * Walks a JSON text front to back. Each method consumes one value and throws `invalid-json` with the position
 * when the next one is another kind; visitors must consume exactly one value per call.
 */
export type JsonScanner<Decimal> = {
  /** Kind of the next value, without consuming it. */
  peek(): JsonKind;
  object(visit: (key: string) => void): void;
  array(visit: () => void): void;
  string(): string;
  value(): JsonValue<Decimal>;
  /** Consumes one value and keeps nothing; keys inside it may repeat. */
  skip(): void;
  /** Throws unless nothing but whitespace is left. */
  end(): void;
};

const QUOTE = 0x22;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const LETTER_F = 0x66;
const LETTER_N = 0x6e;
const LETTER_T = 0x74;

/** Below this many digits a running sum is exact. */
const EXACT_DIGITS = 15;
/** Python's own limit for integers in text; past it, conversion costs quadratic time. */
const MAX_NUMBER_CHARACTERS = 4_300;
/** Deepest nesting whatever the limit says: every level takes stack. */
const MAX_DEPTH = 1_000;
/** Objects up to this many keys are searched for duplicates without a Set. */
const FEW_KEYS = 8;

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ["\\", "\\"],
  ["/", "/"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
]);

const HEX4 = /^[0-9a-fA-F]{4}$/;
const CONFLICT_MARKER = /^(?:<{7}|={7}|>{7})(?!\S)/;

export function scanJson<Decimal>(text: string, dialect: JsonDialect<Decimal>): JsonScanner<Decimal> {
  const maxDepth = Math.min(dialect.maxDepth, MAX_DEPTH);
  let at = 0;
  let depth = 0;

  function failAt(position: number, problem: string, code: "invalid-json" | "duplicate-key" | "limit-exceeded"): never {
    const before = text.slice(0, position);
    const lineStart = before.lastIndexOf("\n") + 1;
    let line = 1;
    for (let end = before.indexOf("\n"); end !== -1; end = before.indexOf("\n", end + 1)) line++;
    const conflict = CONFLICT_MARKER.test(text.slice(lineStart, lineStart + 8));
    const what = conflict ? "an unresolved Git merge conflict; restore the file as it was published" : problem;
    const verdict = code === "invalid-json" ? "not valid JSON" : "JSON that is refused";
    throw new InspectError(
      code,
      `${dialect.label}: ${verdict} at character ${position} (line ${line}, column ${position - lineStart + 1}): ${what}.`,
      { source: dialect.label, offset: dialect.offset + new TextEncoder().encode(before).length },
    );
  }

  function unexpected(wanted: string): never {
    if (at >= text.length) failAt(text.length, `the text ends where ${wanted} should be`, "invalid-json");
    const found = String.fromCodePoint(text.codePointAt(at) ?? 0);
    failAt(at, `found ${quote(found)} where ${wanted} should be`, "invalid-json");
  }

  function skipSpace(): number {
    for (;;) {
      const code = text.charCodeAt(at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return code;
      at++;
    }
  }

  function word(expected: string): void {
    if (!text.startsWith(expected, at)) unexpected("a value");
    at += expected.length;
  }

  /** A constant of the dialect at the current position. */
  function constant(): Decimal | undefined {
    for (const [name, value] of dialect.constants) {
      if (text.startsWith(name, at)) {
        at += name.length;
        return value;
      }
    }
    return undefined;
  }

  function digits(): void {
    const start = at;
    while (text.charCodeAt(at) >= ZERO && text.charCodeAt(at) <= NINE) at++;
    if (at === start) unexpected("a digit");
  }

  function number(): number | bigint | Decimal {
    const start = at;
    const negative = text.charCodeAt(at) === MINUS;
    if (negative) at++;
    const integerStart = at;
    let sum = 0;
    if (text.charCodeAt(at) === ZERO) {
      at++;
    } else {
      for (;;) {
        const digit = text.charCodeAt(at) - ZERO;
        if (!(digit >= 0 && digit <= 9)) break;
        sum = sum * 10 + digit;
        at++;
      }
      if (at === integerStart) unexpected("a value");
    }
    const integerDigits = at - integerStart;
    let plain = !(negative && sum === 0);
    if (text.charCodeAt(at) === DOT) {
      plain = false;
      at++;
      digits();
    }
    if ((text.charCodeAt(at) | 0x20) === 0x65) {
      plain = false;
      at++;
      const sign = text.charCodeAt(at);
      if (sign === MINUS || sign === 0x2b) at++;
      digits();
    }
    if (plain && integerDigits <= EXACT_DIGITS) return negative ? -sum : sum;
    if (at - start > MAX_NUMBER_CHARACTERS) {
      failAt(start, `a number is ${at - start} characters long`, "limit-exceeded");
    }
    const token = text.slice(start, at);
    if (!plain) return dialect.decimal(token);
    const rounded = Number(token);
    return Number.isSafeInteger(rounded) ? rounded : BigInt(token);
  }

  /** The four hexadecimal digits of a `\u` escape, from the position of the `u`. */
  function unicodeEscape(): number {
    const hex = text.slice(at + 1, at + 5);
    if (!HEX4.test(hex)) failAt(at - 1, "a \\u escape lacks its four hexadecimal digits", "invalid-json");
    at += 5;
    return Number.parseInt(hex, 16);
  }

  /** One escape, from the character after its backslash. */
  function escapeSequence(): string {
    const escaped = text.charAt(at);
    if (escaped !== "u") {
      const plain = ESCAPES.get(escaped);
      if (plain === undefined) unexpected("an escape");
      at++;
      return plain;
    }
    const start = at - 1;
    const unit = unicodeEscape();
    if (unit < 0xd800 || unit > 0xdfff) return String.fromCharCode(unit);
    if (unit <= 0xdbff && text.startsWith("\\u", at)) {
      const resume = at;
      at++;
      const low = unicodeEscape();
      if (low >= 0xdc00 && low <= 0xdfff) return String.fromCharCode(unit, low);
      at = resume;
    }
    if (dialect.loneSurrogates === "reject") failAt(start, "half of a surrogate pair stands alone", "invalid-json");
    return String.fromCharCode(unit);
  }

  /** A string, from its opening quote. Its loop sees most characters of a header, so it keeps to a local. */
  function quoted(): string {
    let start = at + 1;
    let decoded = "";
    for (let next = start; ; ) {
      const code = text.charCodeAt(next);
      if (code === QUOTE) {
        at = next + 1;
        const last = text.slice(start, next);
        return decoded === "" ? last : decoded + last;
      }
      if (code === BACKSLASH) {
        at = next + 1;
        decoded += text.slice(start, next) + escapeSequence();
        start = at;
        next = at;
      } else if (code >= 0x20) {
        next++;
      } else if (next >= text.length) {
        failAt(text.length, "the text ends inside a string", "invalid-json");
      } else {
        failAt(next, "a string holds an unescaped control character", "invalid-json");
      }
    }
  }

  function enter(): void {
    if (++depth > maxDepth) failAt(at, `it nests deeper than ${maxDepth} levels`, "limit-exceeded");
    at++;
  }

  /** After one member: true when another follows, false when `close` ended the list. */
  function another(close: number): boolean {
    const code = skipSpace();
    if (code === COMMA) {
      at++;
      return true;
    }
    if (code !== close) unexpected(close === CLOSE_BRACE ? '"," or "}"' : '"," or "]"');
    at++;
    depth--;
    return false;
  }

  /** True, and left behind, when the list just entered is empty. */
  function empty(close: number): boolean {
    if (skipSpace() !== close) return false;
    at++;
    depth--;
    return true;
  }

  function members(visit: (key: string) => void, uniqueKeys: boolean): void {
    if (skipSpace() !== OPEN_BRACE) unexpected("an object");
    enter();
    if (empty(CLOSE_BRACE)) return;
    const few: string[] = [];
    let many: Set<string> | undefined;
    do {
      if (skipSpace() !== QUOTE) unexpected("a quoted key");
      const keyStart = at;
      const key = quoted();
      if (uniqueKeys) {
        if (many === undefined ? few.includes(key) : many.has(key)) {
          failAt(keyStart, `the key ${quote(key)} is there twice`, "duplicate-key");
        }
        if (many !== undefined) many.add(key);
        else if (few.push(key) > FEW_KEYS) many = new Set(few);
      }
      if (skipSpace() !== COLON) unexpected('":"');
      at++;
      visit(key);
    } while (another(CLOSE_BRACE));
  }

  function object(visit: (key: string) => void): void {
    members(visit, dialect.duplicateKeys === "reject");
  }

  function array(visit: () => void): void {
    if (skipSpace() !== OPEN_BRACKET) unexpected("an array");
    enter();
    if (empty(CLOSE_BRACKET)) return;
    do {
      visit();
    } while (another(CLOSE_BRACKET));
  }

  /** The kind its first character announces; whether the rest keeps the promise shows when it is consumed. */
  function peek(): JsonKind {
    switch (skipSpace()) {
      case OPEN_BRACE:
        return "object";
      case OPEN_BRACKET:
        return "array";
      case QUOTE:
        return "string";
      case LETTER_T:
        return "true";
      case LETTER_F:
        return "false";
      case LETTER_N:
        return "null";
      default:
        return "number";
    }
  }

  function value(): JsonValue<Decimal> {
    const kind = peek();
    switch (kind) {
      case "object": {
        const members = new Map<string, JsonValue<Decimal>>();
        object((key) => {
          members.set(key, value());
        });
        return members;
      }
      case "array": {
        const items: JsonValue<Decimal>[] = [];
        array(() => {
          items.push(value());
        });
        return items;
      }
      case "string":
        return quoted();
      case "number":
        return constant() ?? number();
      case "null":
        word(kind);
        return null;
      default:
        word(kind);
        return kind === "true";
    }
  }

  function skip(): void {
    const kind = peek();
    if (kind === "object") members(skip, false);
    else if (kind === "array") array(skip);
    else value();
  }

  return {
    peek,
    object,
    array,
    value,
    skip,
    string: () => (skipSpace() === QUOTE ? quoted() : unexpected("a string")),
    end: () => {
      skipSpace();
      if (at < text.length) unexpected("the end of the text");
    },
  };
}
