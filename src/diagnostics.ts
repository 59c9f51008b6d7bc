import { type InspectCode, InspectError } from "./errors.ts";

/**
 * A problem that did not stop reading. `where` is text for people: a tensor, key or file name.
 *
 * @example
 * ```ts
 * import { type Diagnostic, inspectModel } from "weighin";
 *
 * const model = await inspectModel("fixtures/files/demo.gguf");
 * const notes: readonly Diagnostic[] = model.diagnostics;
 * console.log(notes.length); // 0
 * ```
 */
export type Diagnostic = {
  readonly code: InspectCode;
  readonly message: string;
  readonly where: string;
};

/** Collects diagnostics; in strict mode the first one is thrown instead. */
export type Reporter = (code: InspectCode, message: string, where: string) => void;

/** Makes a {@link Reporter} that fills `list`, or throws when `strict`. */
export function makeReporter(list: Diagnostic[], strict: boolean): Reporter {
  return (code, message, where) => {
    if (strict) throw new InspectError(code, message, { source: where });
    list.push({ code, message, where });
  };
}
