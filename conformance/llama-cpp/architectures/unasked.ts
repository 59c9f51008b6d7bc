/** Names in `src/llama-arch.cpp` whose cache the engine cannot be asked for, and why. */
export const ENGINE_WITHOUT: readonly { readonly name: string; readonly why: string }[] = [
  { name: "clip", why: "a projector, no model of its own" },
  { name: "gptj", why: "a name only: the engine cannot load it" },
  { name: "plm", why: "the engine breaks off while it builds the graph" },
];
