import type { Reporter } from "../diagnostics.ts";
import type { FeedForward } from "./feed-forward.ts";
import { type LayerProblems, layerProblems } from "./layer-problems.ts";
import { settleMixer } from "./settle-mixer.ts";
import type { LayerShape, ShapeClaim } from "./shape.ts";
import type { BlockEvidence, TensorClaim } from "./tensor-claim.ts";

/** Layers that the keys and the tensors agree on; where they do not, the tensors have won and it is reported. */
export type SettledShape = {
  readonly hiddenSize: number | null;
  readonly vocabularySize: number | null;
  readonly main: readonly LayerShape[];
  readonly mtp: readonly LayerShape[];
  /** Blocks of the encoder, where there is one. */
  readonly encoderLayers?: number | null;
};

const NO_EVIDENCE: BlockEvidence = {};

/** Holds a claim against the tensors. Claims about architectures that are not known give way without a word. */
export function reconcile(claim: ShapeClaim, tensors: TensorClaim, report: Reporter): SettledShape {
  if (tensors.unbelievedBlock !== undefined) {
    report(
      "inconsistent-model",
      `a tensor names block ${tensors.unbelievedBlock}; so many are not believed (limits.layers), and it is left out of the layers.`,
      `block ${tensors.unbelievedBlock}`,
    );
  }
  const problems = layerProblems();
  const settle = (shape: LayerShape, block: number): LayerShape => {
    const evidence = tensors.blocks.get(block) ?? NO_EVIDENCE;
    return {
      ...shape,
      mixer: settleMixer(shape.mixer, evidence, claim.origin, block, problems),
      feedForward: settleFeedForward(shape.feedForward, evidence, claim, block, problems),
    };
  };
  const main = (claim.layers ?? []).map(settle);
  const mtp = claim.mtpLayers.map((shape, index) => settle(shape, main.length + index));
  problems.flush(report);
  const { encoder, origin } = claim;
  const settleSize = (what: string, claimed: number | undefined, found: number | undefined): number | null =>
    settleNumber(claimed, found, (a, b) => `a ${what} of ${a} by ${origin}, of ${b} by the embedding`, origin, report);
  const settleEncoder = (claimed: number | undefined): number | null =>
    settleNumber(
      claimed,
      tensors.encoderBlocks,
      (a, b) => `${a} blocks in the encoder by ${origin}, ${b} by the tensors`,
      origin,
      report,
    );
  return {
    ...(encoder && { encoderLayers: settleEncoder(encoder.layerCount) }),
    hiddenSize: settleSize(
      "hidden size",
      claim.hiddenSize,
      tensors.hiddenSize === claim.embeddingSize ? claim.hiddenSize : tensors.hiddenSize,
    ),
    vocabularySize: settleSize(
      "vocabulary",
      claim.vocabularySize,
      // An embedding may have rows of its own beyond those that are predicted.
      tensors.logits === claim.vocabularySize ? claim.vocabularySize : tensors.vocabularySize,
    ),
    main,
    mtp,
  };
}

/** A number of the whole model. `told` says what two numbers are of, the claimed one first. */
function settleNumber(
  claimed: number | undefined,
  found: number | undefined,
  told: (claimed: number, found: number) => string,
  origin: string,
  report: Reporter,
): number | null {
  if (claimed !== undefined && found !== undefined && claimed !== found) {
    report("inconsistent-model", `${told(claimed, found)}; the tensors win.`, origin);
  }
  return found ?? claimed ?? null;
}

function settleFeedForward(
  claimed: FeedForward,
  evidence: BlockEvidence,
  { origin, known, expertLayersByTensors }: ShapeClaim,
  block: number,
  problems: LayerProblems,
): FeedForward {
  const proven = provenFeedForward(claimed, evidence);
  const left = expertLayersByTensors && claimed.kind === "experts" && proven?.kind === "dense";
  if (known && !left && proven !== undefined && !sameFeedForward(claimed, proven)) {
    problems.add(
      "inconsistent-model",
      `a feed-forward of ${described(claimed)} by ${origin}, of ${described(proven)} by the tensors; the tensors win`,
      block,
    );
  }
  return proven ?? claimed;
}

/** What the tensors prove, completed from the claim; undefined where they prove nothing. */
function provenFeedForward(claimed: FeedForward, evidence: BlockEvidence): FeedForward | undefined {
  const { experts, expertWidth, sharedWidth, denseWidth } = evidence;
  if (experts !== undefined) {
    const claim = claimed.kind === "experts" ? claimed : undefined;
    const claimedWidth = claim?.expertIntermediateSize ?? 0;
    return {
      kind: "experts",
      experts,
      // How many of them a token visits stands in no tensor; without a claim every one is counted as used.
      expertsPerToken: Math.min(claim?.expertsPerToken ?? experts, experts),
      expertIntermediateSize: expertWidth ?? claimedWidth,
      sharedIntermediateSize: sharedWidth ?? claim?.sharedIntermediateSize ?? 0,
    };
  }
  return denseWidth === undefined ? undefined : { kind: "dense", intermediateSize: denseWidth };
}

function sameFeedForward(a: FeedForward, b: FeedForward): boolean {
  if (a.kind === "dense") return b.kind === "dense" && a.intermediateSize === b.intermediateSize;
  if (a.kind === "none") return b.kind === "none";
  return (
    b.kind === "experts" &&
    a.experts === b.experts &&
    a.expertIntermediateSize === b.expertIntermediateSize &&
    a.sharedIntermediateSize === b.sharedIntermediateSize
  );
}

function described(part: FeedForward): string {
  if (part.kind === "none") return "no width";
  if (part.kind === "dense") return `${part.intermediateSize}`;
  const shared = part.sharedIntermediateSize > 0 ? ` + ${part.sharedIntermediateSize} shared` : "";
  return `${part.experts} experts of ${part.expertIntermediateSize}${shared}`;
}
