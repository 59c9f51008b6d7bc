/** A command line that asks for nothing that can be done. The message names the option and the accepted forms. */
export class UsageError extends Error {
  override readonly name: string = "UsageError";
}
