import type { RecurrentMixer, StateTensor } from "../../model/mixer.ts";
import type { CacheSettings } from "./cache-settings.ts";

type StateSettings = Pick<
  CacheSettings,
  "tensorParallel" | "speculativeTokens" | "stateElementBytes" | "convolutionElementBytes"
>;

/** Convolutions that hold drafted tokens as well (`mamba_utils.py`, MambaStateShapeCalculator: `num_spec`). */
const CONVOLUTION_HOLDS_DRAFTS: ReadonlySet<RecurrentMixer["family"]> = new Set([
  "mamba2",
  "gated-delta-net",
  "kimi-delta-attention",
]);

/** Bytes of all states of one layer on one rank (`mamba_utils.py`, MambaStateShapeCalculator). */
export function stateBytes(mixer: RecurrentMixer, settings: StateSettings): number {
  return mixer.state.reduce((sum, tensor) => sum + tensorBytes(tensor, mixer, settings), 0);
}

function tensorBytes({ name, shape }: StateTensor, mixer: RecurrentMixer, settings: StateSettings): number {
  const { tensorParallel, speculativeTokens } = settings;
  if (name === "convolution") {
    const [channels = 0, columns = 0] = shape;
    const drafts = CONVOLUTION_HOLDS_DRAFTS.has(mixer.family) ? speculativeTokens : 0;
    const local = (channels + repeatedChannels(mixer, tensorParallel)) / tensorParallel;
    return local * (columns + drafts) * settings.convolutionElementBytes;
  }
  const elements = shape.reduce((product, size) => product * size, 1);
  return (elements / tensorParallel) * settings.stateElementBytes;
}

/**
 * Channels of groups that are repeated, so that each rank has those of its heads: of Mamba-2, whose convolution runs over
 * the inner width and two rows of states for each group.
 */
export function repeatedChannels({ family, state }: RecurrentMixer, tensorParallel: number): number {
  if (family !== "mamba2") return 0;
  const [channels = 0] = state.find(({ name }) => name === "convolution")?.shape ?? [];
  const ssm = state.find(({ name }) => name === "ssm")?.shape ?? [];
  const stateSize = ssm.at(-1) ?? 1;
  const inner = ssm.slice(0, -1).reduce((product, size) => product * size, 1);
  const groups = (channels - inner) / (2 * stateSize);
  return groups % tensorParallel === 0 ? 0 : 2 * (tensorParallel - groups) * stateSize;
}
