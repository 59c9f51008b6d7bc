import type { GraphBuilder } from "./context.ts";

/** Builders by the name of an architecture in the file. */
export type GraphFamily = Readonly<Record<string, GraphBuilder>>;

type Family = { readonly names: string; readonly load: () => Promise<GraphFamily> };

/** Architectures whose graphs are drawn, by the file that draws them: it is loaded when a model of one is read. */
const FAMILIES: readonly Family[] = [
  { names: "llama llama-embed", load: async () => (await import("./architectures/llama.ts")).LLAMA },
];

export const GRAPH_FAMILIES: ReadonlyMap<string, Family["load"]> = new Map(
  FAMILIES.flatMap(({ names, load }) => names.split(" ").map((name) => [name, load] as const)),
);
