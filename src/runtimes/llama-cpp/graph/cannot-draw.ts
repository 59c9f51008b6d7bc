/** A graph cannot be drawn of this file: it lacks a tensor, or its shapes do not go together. */
export class CannotDraw extends Error {}
