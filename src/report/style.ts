/** Wraps text in the codes of a colour, or returns it as it is. */
export type Paint = (text: string) => string;

/** How the screen is coloured. The report never decides whether colours are wanted. */
export type Style = {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly good: Paint;
  readonly bad: Paint;
  readonly unsure: Paint;
  readonly bar: Paint;
};

const asIs: Paint = (text) => text;

/** No colours at all. */
export const PLAIN: Style = { bold: asIs, dim: asIs, good: asIs, bad: asIs, unsure: asIs, bar: asIs };
