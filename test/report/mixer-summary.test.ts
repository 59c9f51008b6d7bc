import { describe, expect, it } from "vitest";
import type { Mixer } from "../../src/model/mixer.ts";
import type { ModelLayer } from "../../src/model/model.ts";
import { feedForwardSummary, mixerSummary, perLayer } from "../../src/report/mixer-summary.ts";
import { attentionLayer } from "./sample.ts";

function layersOf(count: number, mixer: Mixer): ModelLayer[] {
  return Array.from({ length: count }, (_, index) => ({
    index,
    mixer,
    feedForward: { kind: "none" },
    weightBytes: 0,
  }));
}

const RECURRENT: Mixer = { kind: "recurrent", family: "gated-delta-net", state: [] };

describe("the mixers in words", () => {
  it("says how many attention layers slide and how many see everything", () => {
    const layers = Array.from({ length: 26 }, (_, index) => attentionLayer(index, index % 6 === 5 ? undefined : 512));
    expect(mixerSummary(layers)).toEqual(["26 attention layers: 22 sliding 512, 4 full"]);
  });

  it("says it once when all layers are alike", () => {
    expect(mixerSummary([attentionLayer(0)])).toEqual(["1 attention layer: full"]);
  });

  it("keeps kinds apart in the order they first appear", () => {
    const layers = [...layersOf(3, RECURRENT), attentionLayer(3)];
    expect(mixerSummary(layers)).toEqual(["3 recurrent layers: gated-delta-net", "1 attention layer: full"]);
  });

  it("names latent attention, layers without a mixer and unknown ones", () => {
    const latent: Mixer = {
      kind: "latent",
      heads: 128,
      kvLoraRank: 512,
      ropeDim: 64,
      nopeDim: 128,
      valueDim: 128,
      window: { kind: "none" },
      upProjection: "absorbed",
    };
    expect(mixerSummary(layersOf(28, { ...latent, attentions: 2 }))).toEqual([
      "28 latent attention (MLA) layers: rank 512 + 64 rotary, 2 attentions",
    ]);
    const layers = [...layersOf(61, latent), ...layersOf(2, { kind: "none" }), ...layersOf(1, { kind: "unknown" })];
    expect(mixerSummary(layers)).toEqual([
      "61 latent attention (MLA) layers: rank 512 + 64 rotary",
      "2 mixer-free layers",
      "1 unknown layer",
    ]);
  });

  it("tells indexers, compressed rows, passes and caches of a target", () => {
    const { mixer } = attentionLayer(0);
    if (mixer.kind !== "attention") throw new Error("not attention");
    const indexer = { heads: 64, keyDim: 128 };
    const said = (change: object): readonly string[] => mixerSummary(layersOf(1, { ...mixer, ...change }));
    expect(said({ compression: { ratio: 4, state: [] }, indexer })).toEqual([
      "1 attention layer: full and 1 row for 4 tokens chosen by an indexer",
    ]);
    expect(said({ passes: 3 })).toEqual(["1 attention layer: full, 3 passes"]);
    expect(said({ readsTargetCache: true })).toEqual([
      "1 attention layer: full reading the cache of the model it drafts for",
    ]);
  });

  it("tells shared caches and encoders", () => {
    const { mixer } = attentionLayer(0);
    if (mixer.kind !== "attention") throw new Error("not attention");
    expect(mixerSummary(layersOf(2, { ...mixer, sharesCacheWith: 0 }))).toEqual([
      "2 attention layers: full sharing an earlier cache",
    ]);
    expect(mixerSummary(layersOf(2, { ...mixer, causal: false }))).toEqual(["2 attention layers: both ways, full"]);
  });

  it("tells what layers make of an encoder's output", () => {
    const cross = { kind: "cross", heads: 6, kvHeads: 6, keyDim: 64, valueDim: 64, encoderTokens: 1500 } as const;
    expect(mixerSummary([{ ...attentionLayer(0), cross }])).toEqual([
      "1 attention layer: full, then over 1,500 encoder tokens",
    ]);
    expect(mixerSummary([{ ...attentionLayer(0), cross: { ...cross, encoderTokens: null } }])).toEqual([
      "1 attention layer: full, then over the encoder",
    ]);
    expect(mixerSummary(layersOf(2, cross))).toEqual(["2 cross-attention layers: over 1,500 encoder tokens"]);
  });

  it("leaves out layers that predict further tokens", () => {
    expect(mixerSummary([attentionLayer(0), { ...attentionLayer(1), mtp: true }])).toEqual(["1 attention layer: full"]);
  });
});

describe("values per layer", () => {
  it("compresses a list to how many layers have which", () => {
    expect(perLayer([...Array(26).fill(8), ...Array(6).fill(0)])).toBe("8 (26 layers), 0 (6 layers)");
    expect(perLayer([8, 8])).toBe("8");
    expect(perLayer(32)).toBe("32");
  });
});

describe("the feed-forward parts in words", () => {
  it("tells dense layers from experts", () => {
    const experts: ModelLayer = {
      ...attentionLayer(1),
      feedForward: {
        kind: "experts",
        experts: 128,
        expertsPerToken: 8,
        expertIntermediateSize: 768,
        sharedIntermediateSize: 2048,
      },
    };
    expect(feedForwardSummary([attentionLayer(0), experts])).toEqual([
      "1 layer: dense, 14,336 wide",
      "1 layer: 128 experts of 768, 8 per token + 2,048 wide always on",
    ]);
  });
});
