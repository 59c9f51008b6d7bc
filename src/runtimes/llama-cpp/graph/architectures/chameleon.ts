import { cacheInputs } from "../blocks/attention.ts";
import { type DecoderForm, decoder } from "../blocks/decoder.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { dense } from "../blocks/feed-forward.ts";
import { head } from "../blocks/head.ts";
import { layers, putOut } from "../blocks/layers.ts";
import { normOf } from "../blocks/norm.ts";
import { cacheAttender, selfAttention } from "../blocks/self-attention.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { add, clamp } from "../ops/elementwise.ts";
import { set } from "../ops/shapes.ts";
import { F32, fourOf, GraphTensor } from "../tensor.ts";

/** Tokens of the vocabulary that stand for parts of an image. */
const IMAGE_TOKENS = 8196 - 4;

/** Tokens of images are not said. */
function withoutImageTokens(_: GraphContext, logits: GraphTensor): GraphTensor {
  return set(logits, clamp(new GraphTensor("NONE", F32, fourOf([IMAGE_TOKENS]))));
}

/** Heads are normed each by weights of its own. */
const FORM = { headNorm: "layer", head: { finish: withoutImageTokens } } as const satisfies DecoderForm;

/** The larger model norms after its parts, and its feed-forward reads what attention gave. */
const swinNormed: GraphBuilder = (g) => {
  const attend = cacheAttender(g, cacheInputs(g));
  const x = layers(g, tokenEmbeddings(g), (x, block) => {
    const attended = putOut(g, block, selfAttention(g, block, x, attend, FORM));
    const y = normOf(g, block, "attn_norm", attended);
    return add(normOf(g, block, "ffn_norm", dense(g, block, y, "silu")), add(y, putOut(g, block, x)));
  });
  return head(g, x, FORM.head);
};

const chameleon: GraphBuilder = (g) => (g.hp.flag("swin_norm", false) ? swinNormed : decoder(FORM))(g);

/** `src/models/chameleon.cpp`. */
export const CHAMELEON: Readonly<Record<string, GraphBuilder>> = { chameleon };
