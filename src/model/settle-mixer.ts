import type { LayerProblems } from "./layer-problems.ts";
import type { AttentionMixer, LatentMixer, Mixer, RecurrentMixer, UnknownMixer } from "./mixer.ts";
import type { BlockEvidence } from "./tensor-claim.ts";

/** Holds the mixer of one layer against its tensors. Where they differ the tensors win, and it is reported. */
export function settleMixer(
  claimed: Mixer,
  evidence: BlockEvidence,
  origin: string,
  block: number,
  problems: LayerProblems,
): Mixer {
  const disagree = (said: string, found: string): void =>
    problems.add("inconsistent-model", `${said} by ${origin}, ${found} by the tensors; the tensors win`, block);
  if (contradicts(claimed, evidence)) {
    disagree(`a layer of kind ${claimed.kind}`, evidence.recurrent ? "a recurrence" : "an attention");
    return unknownMixer(evidence);
  }
  switch (claimed.kind) {
    case "attention":
      return settleAttention(claimed, evidence, disagree);
    case "latent":
      return settleLatent(claimed, evidence, disagree);
    case "recurrent":
      return settleRecurrent(claimed, evidence, disagree);
    case "unknown":
      return unknownMixer(evidence);
    default:
      return claimed;
  }
}

type Disagree = (said: string, found: string) => void;

/** Recurrences whose tensors are those of an attention. */
const PROJECTED_LIKE_ATTENTION: ReadonlySet<RecurrentMixer["family"]> = new Set(["lightning-attention"]);

/** A layer whose tensors are all of the other kind. */
function contradicts(claimed: Mixer, evidence: BlockEvidence): boolean {
  const attends =
    evidence.attention !== undefined ||
    evidence.keyWidth !== undefined ||
    evidence.qkvWidth !== undefined ||
    evidence.latentWidth !== undefined;
  if (claimed.kind === "attention" || claimed.kind === "latent") return evidence.recurrent !== undefined && !attends;
  if (claimed.kind === "recurrent") {
    return attends && evidence.recurrent === undefined && !PROJECTED_LIKE_ATTENTION.has(claimed.family);
  }
  return claimed.kind === "none" && (evidence.keyWidth !== undefined || evidence.recurrent !== undefined);
}

/** What the tensors prove of a layer whose way of mixing is not known. */
function unknownMixer({ keyWidth, valueWidth }: BlockEvidence): UnknownMixer {
  return {
    kind: "unknown",
    ...(keyWidth === undefined ? {} : { keyWidth }),
    ...(valueWidth === undefined ? {} : { valueWidth }),
  };
}

function settleAttention(claimed: AttentionMixer, evidence: BlockEvidence, disagree: Disagree): AttentionMixer {
  const { heads, kvHeads, keyDim, valueDim } = claimed;
  const claimedKey = kvHeads * keyDim;
  const claimedValue = kvHeads * valueDim;
  if (evidence.qkvWidth !== undefined) {
    const queries = heads * keyDim;
    const claimedAll = queries + claimedKey + claimedValue;
    if (claimedAll === evidence.qkvWidth) return claimed;
    const provenHeads = (evidence.qkvWidth - queries) / (keyDim + valueDim);
    // Queries may bring a gate of their width along (Qwen3-Next), unless as many heads could share them.
    if (evidence.qkvWidth === claimedAll + queries && heads % provenHeads !== 0) return claimed;
    disagree(`queries, keys and values ${claimedAll} wide together`, `${evidence.qkvWidth}`);
    return Number.isInteger(provenHeads) && provenHeads > 0 ? { ...claimed, kvHeads: provenHeads } : claimed;
  }
  const key = evidence.keyWidth ?? claimedKey;
  const value = evidence.valueWidth ?? (evidence.keyWidth === undefined ? claimedValue : (key / keyDim) * valueDim);
  if (key === claimedKey && value === claimedValue) return claimed;
  disagree(
    `keys of ${kvHeads} x ${keyDim} and values of ${kvHeads} x ${valueDim}`,
    `keys ${key} and values ${value} wide`,
  );
  return { ...claimed, ...headsOf(key, value, claimed) };
}

/** Heads and head sizes with these products, keeping as much of the claim as fits. */
function headsOf(
  key: number,
  value: number,
  { kvHeads, keyDim }: AttentionMixer,
): Pick<AttentionMixer, "kvHeads" | "keyDim" | "valueDim"> {
  for (const proven of [key / keyDim, kvHeads]) {
    if (Number.isInteger(proven) && proven > 0 && key % proven === 0 && value % proven === 0) {
      return { kvHeads: proven, keyDim: key / proven, valueDim: value / proven };
    }
  }
  return { kvHeads: 1, keyDim: key, valueDim: value };
}

function settleLatent(claimed: LatentMixer, evidence: BlockEvidence, disagree: Disagree): LatentMixer {
  const width = claimed.kvLoraRank + claimed.ropeDim;
  const found = evidence.latentWidth;
  if (found === undefined || found === width) return claimed;
  disagree(`a latent of ${claimed.kvLoraRank} + ${claimed.ropeDim}`, `${found} in all`);
  return found > claimed.ropeDim ? { ...claimed, kvLoraRank: found - claimed.ropeDim } : claimed;
}

function settleRecurrent(claimed: RecurrentMixer, evidence: BlockEvidence, disagree: Disagree): RecurrentMixer {
  const convolution = claimed.state.find(({ name }) => name === "convolution");
  const channels = convolution?.shape[0];
  const found = evidence.channels;
  if (found === undefined || channels === undefined || found === channels) return claimed;
  disagree(`a convolution over ${channels} channels`, `${found}`);
  return {
    ...claimed,
    state: claimed.state.map((state) =>
      state === convolution ? { ...state, shape: [found, ...state.shape.slice(1)] } : state,
    ),
  };
}
