import type { GraphBuilder, GraphContext } from "../context.ts";
import { add } from "../ops/elementwise.ts";
import { getRows } from "../ops/products.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";
import { tokenEmbeddings } from "./embedding.ts";
import type { Activation } from "./feed-forward.ts";
import { type HeadOptions, head } from "./head.ts";
import { layers } from "./layers.ts";
import { feedForwardOrExperts, type MixtureOptions } from "./mixture.ts";
import { type ResidualOptions, type ResidualParts, residualLayer, type Unnormed } from "./residual.ts";
import { batchAttender, cacheAttender, type SelfAttentionOptions, selfAttention } from "./self-attention.ts";

/**
 * What tells one decoder from another, beside {@link SelfAttentionOptions} and {@link ResidualOptions}. Biases, norms, gates
 * and sinks are where the file has them: the engine loads none that it does not use, but for those that a form says.
 */
export type DecoderForm = SelfAttentionOptions &
  ResidualOptions & {
    /** The first hidden states. Default: rows of the embedding. */
    readonly embeddings?: (g: GraphContext) => GraphTensor;
    /** Those rows are multiplied with a number. */
    readonly scalesEmbeddings?: boolean;
    /** The embedding of each position is added to them, where the model learned any: nothing is rotated. */
    readonly learnsPositions?: boolean;
    /** Tokens look both ways, and nothing is cached. */
    readonly looksBothWays?: boolean;
    /** Of the dense feed-forward or the experts. Default: `silu`. */
    readonly activation?: Activation;
    readonly mixture?: MixtureOptions;
    /** Takes the place of self-attention: of normed hidden states, `[hidden, tokens]` to the same. */
    readonly attention?: Attention;
    /** Takes the place of the usual feed-forward or experts. */
    readonly feedForward?: FeedForward;
    /** What follows a layer; `embedded` are the first hidden states. */
    readonly after?: (g: GraphContext, block: BlockWeights, x: GraphTensor, embedded: GraphTensor) => GraphTensor;
    readonly head?: HeadOptions;
  };

/** What mixes tokens in a layer. */
export type Attention = (block: BlockWeights, x: GraphTensor) => GraphTensor;

/** Normed hidden states, `[hidden, tokens]`, to what is added to them. */
export type FeedForward = (g: GraphContext, block: BlockWeights, x: GraphTensor, unnormed: Unnormed) => GraphTensor;

/** Embeddings, layers of attention and feed-forward, a last norm and logits; the form may depend on the model's numbers. */
export function decoder(form: DecoderForm | ((g: GraphContext) => DecoderForm)): GraphBuilder {
  return (g) => drawDecoder(g, typeof form === "function" ? form(g) : form);
}

/** A builder for each form, by the name of its architecture. */
export function decoders(
  forms: Readonly<Record<string, Parameters<typeof decoder>[0]>>,
): Readonly<Record<string, GraphBuilder>> {
  return Object.fromEntries(Object.entries(forms).map(([name, form]) => [name, decoder(form)]));
}

function drawDecoder(g: GraphContext, form: DecoderForm): ReturnType<GraphBuilder> {
  const { norm: kind = "rms", activation = "silu", attention = usualAttention(g, form) } = form;
  const mixture: MixtureOptions = { activation, ...form.mixture };
  const { feedForward = (_, block, y) => feedForwardOrExperts(g, block, y, mixture) }: DecoderForm = form;
  const embedded = firstStates(g, form);
  const x = layers(g, embedded, (x, block) => {
    const parts: ResidualParts = {
      attention: (y) => attention(block, y),
      feedForward: (y, unnormed) => feedForward(g, block, y, unnormed),
    };
    const y = residualLayer(g, block, x, parts, form);
    return form.after?.(g, block, y, embedded) ?? y;
  });
  return head(g, x, { kind, ...form.head });
}

function usualAttention(g: GraphContext, form: DecoderForm): Attention {
  const attend = form.looksBothWays ? batchAttender(g) : cacheAttender(g);
  const rotates = form.rotates ?? !form.learnsPositions;
  const options: SelfAttentionOptions = { headNorm: form.norm ?? "rms", ...form, rotates };
  return (block, x) => selfAttention(g, block, x, attend, options);
}

function firstStates(g: GraphContext, form: DecoderForm): GraphTensor {
  const { embeddings, scalesEmbeddings = false, learnsPositions = false } = form;
  const x = embeddings?.(g) ?? tokenEmbeddings(g, { scaled: scalesEmbeddings });
  const positions = learnsPositions ? g.weights.find("position_embd.weight") : undefined;
  return positions === undefined ? x : add(x, getRows(positions, g.positions()));
}
