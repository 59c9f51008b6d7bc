/**
 * The feed-forward part of a layer. Widths are in elements.
 *
 * @example
 * ```ts
 * import { inspectModel } from "weighin";
 *
 * const model = await inspectModel("fixtures/files/demo.gguf");
 * const [first] = model.layers;
 * console.log(first?.feedForward.kind); // dense
 * ```
 */
export type FeedForward =
  | { readonly kind: "dense"; readonly intermediateSize: number }
  | {
      readonly kind: "experts";
      readonly experts: number;
      readonly expertsPerToken: number;
      /** Width of one expert. */
      readonly expertIntermediateSize: number;
      /** Width of the always-on experts together, 0 when there are none. */
      readonly sharedIntermediateSize: number;
    }
  | { readonly kind: "none" };
