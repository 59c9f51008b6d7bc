/**
 * One option of one runtime, under the name its engine has for it. Runtimes that have an option in common list it each with
 * the same `flags`.
 */
export type RuntimeOption<Field extends string> = {
  /** Its name in the workload. */
  readonly field: Field;
  /** As commander reads them: `--kv-bits <bits>`, or without a value. */
  readonly flags: string;
  /** Other names that engines have for it, each with its dashes. */
  readonly aliases?: readonly string[];
  readonly words: string;
  /** Reads what is given; throws commander's `InvalidArgumentError`. Absent: the text itself. */
  readonly parse?: (text: string) => unknown;
  /** What a flag without a value sets. */
  readonly gives?: unknown;
};
