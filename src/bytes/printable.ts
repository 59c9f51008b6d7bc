/**
 * What a terminal obeys or a reader cannot see: C0, DEL and C1 controls, bidirectional and zero-width format
 * characters, lone surrogates, line and paragraph separators, and the four fillers Unicode calls letters.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u115F\u1160\u3164\uFFA0]/gu;

const QUOTED_CHARACTERS = 120;

/** `text` with everything a terminal obeys or a reader cannot see written as `\xNN` or `\u{...}`. Idempotent. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    const hex = code.toString(16).toUpperCase();
    return code <= 0xff ? `\\x${hex.padStart(2, "0")}` : `\\u{${hex}}`;
  });
}

/** A file's own text for use inside a message: printable, quoted, and cut when long. */
export function quote(text: string): string {
  if (text.length <= QUOTED_CHARACTERS) return `"${printable(text)}"`;
  return `"${printable(text.slice(0, QUOTED_CHARACTERS))}..." (${text.length} characters)`;
}
