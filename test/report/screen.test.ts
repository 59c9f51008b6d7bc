import { describe, expect, it } from "vitest";
import type { Model } from "../../src/model/model.ts";
import { screen } from "../../src/report/screen.ts";
import { PLAIN } from "../../src/report/style.ts";
import { growthContexts, type RuntimeReport, worstVerdict } from "../../src/report/weigh.ts";
import { displayWidth } from "../../src/report/width.ts";
import type { MemoryItem } from "../../src/runtimes/estimate.ts";
import { sampleEstimate, sampleModel, sampleReport } from "./sample.ts";

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const OPTIONS = { style: PLAIN, columns: 80 };

function textOf(model: Model, reports: readonly RuntimeReport[]): string {
  return screen(model, reports, OPTIONS).join("\n");
}

function held(verdict: "fits" | "too-large" | "close", capacityBytes: number, totalBytes: number) {
  return [{ device: "GPU0", capacityBytes, verdict, spareBytes: capacityBytes - totalBytes }];
}

describe("the screen", () => {
  it("says what the model is", () => {
    const text = textOf(sampleModel(), []);
    expect(text).toMatch(/^Sample 8B\n/);
    expect(text).toContain("org/sample-GGUF at main");
    expect(text).toContain("llama (gguf)");
    expect(text).toContain("4 layers, hidden size 4,096");
    expect(text).toContain("32 query, 8 key/value, each 128 wide");
    expect(text).toContain("vocabulary 128,256 tokens");
    expect(text).toContain("131,072 tokens trained");
    expect(text).toContain("8.03 B (8,030,261,312)");
    expect(text.replace(/\s+/g, " ")).toContain("(1 file, 8.00 MiB read in 2 requests, commit 0123456789ab)");
  });

  it("tells the active parameters where they differ", () => {
    const model = sampleModel({ parameters: { total: 30_500_000_000, active: 3_300_000_000 } });
    expect(textOf(model, [])).toContain("30.5 B (30,500,000,000), 3.30 B active per token");
  });

  it("shows weights by dtype and component, largest first, with shares", () => {
    const lines = screen(sampleModel(), [], OPTIONS);
    expect(lines).toContain("  Q4_K 3.00 GiB (75.0 %), Q6_K 1023.00 MiB (25.0 %), F32 1.00 MiB (<0.1 %)");
    const shares = lines.filter((line) => / %( |$)/.test(line));
    expect(shares.map((line) => line.trim().split(/\s+/)[0])).toEqual([
      "feed-forward",
      "attention",
      "output",
      "embedding",
      "norm",
    ]);
    expect(shares[0]).toMatch(/feed-forward +2\.34 GiB +58\.5 % +█+/);
  });

  it("sums up the smallest components when there are several", () => {
    const { weights } = sampleModel();
    const byComponent = { ...weights.byComponent, other: 1024 };
    const text = textOf(sampleModel({ weights: { ...weights, byComponent } }), []);
    expect(text).toMatch(/norm, other +1\.00 MiB +<0\.1 %/);
    const more = { ...byComponent, vision: 1024, mtp: 1024 };
    expect(textOf(sampleModel({ weights: { ...weights, byComponent: more } }), [])).toMatch(/ 4 smaller +1\.00 MiB/);
  });

  it("shows each part of the memory with how sure it is", () => {
    const text = textOf(sampleModel(), [sampleReport()]);
    expect(text).toContain("llama.cpp 0.5.0, context 8,192, 1 sequence, f16 cache, tool preset");
    expect(text).toMatch(/weights +3\.71 GiB +█+ +exact, 3,980,394,496 bytes/);
    expect(text).toMatch(/cache +1\.00 GiB +█+▎ +derived, 1,073,741,824 bytes/);
    expect(text).toMatch(/compute +~256\.00 MiB +▊ +estimate, 200\.00 to 300\.00 MiB/);
    expect(text).toMatch(/total +~4\.96 GiB +estimate, 4\.90 to 5\.00 GiB/);
    expect(text).toContain("KV cache, 4 layers");
  });

  it("shows devices that hold the same once, by their names", () => {
    const { estimate } = sampleReport();
    const [gpu] = estimate.devices;
    if (gpu === undefined) throw new Error("no device");
    const names = ["GPU0", "GPU1", "GPU2"];
    const onGpu = estimate.items.filter(({ device }) => device === "GPU0");
    const shared = {
      ...estimate,
      workload: { ...estimate.workload, devices: names.map((name) => ({ name, kind: "cuda" })) },
      devices: names.map((name) => ({ ...gpu, name })),
      items: names.flatMap((device) => onGpu.map((item) => ({ ...item, device, label: `${item.label} of ${device}` }))),
    };
    const fits = names.flatMap((device) => held("fits", 8 * GIB, gpu.total ?? 0).map((fit) => ({ ...fit, device })));
    const lines = screen(sampleModel(), [sampleReport({ estimate: shared, fits })], OPTIONS);
    expect(lines.filter((line) => line.startsWith("on "))).toEqual(["on each of GPU0 to GPU2"]);
    expect(lines.filter((line) => line.startsWith("Fits on"))).toEqual([
      "Fits on each of GPU0 to GPU2, 8.00 GiB: 3.04 GiB to spare, 3.00 GiB at worst.",
    ]);
  });

  it("tells the parts of a component on one line where they fit", () => {
    const { estimate } = sampleReport();
    const labelled = (...labels: readonly string[]) => {
      const items = labels.map((label, index): MemoryItem => {
        return {
          component: "overhead",
          label,
          device: "GPU0",
          bytes: (3 - index) * MIB,
          certainty: "exact",
          source: "",
        };
      });
      const lines = screen(sampleModel(), [sampleReport({ estimate: { ...estimate, items } })], OPTIONS);
      return lines.filter((line) => labels.some((label) => line.includes(label)));
    };
    expect(labelled("driver", "memory pool")).toEqual(["            3.00 MiB  driver, 2.00 MiB  memory pool"]);
    expect(labelled("driver".repeat(8), "memory pool")).toHaveLength(2);
  });

  it("gives two lines to a device nobody asked about, with how sure each figure is", () => {
    const { estimate } = sampleReport();
    const workload = { ...estimate.workload, devices: [{ name: "GPU0", kind: "cuda" }] };
    const lines = screen(sampleModel(), [sampleReport({ estimate: { ...estimate, workload } })], OPTIONS);
    const host = lines.indexOf("on CPU  300.00 MiB  exact, 314,572,800 bytes");
    expect(lines.slice(host, host + 3)).toEqual([expect.any(String), "  exact: weights 300.00 MiB", ""]);
    expect(lines).toContain("on GPU0");
  });

  it("shows how the cache grows, and marks the trained context and this workload", () => {
    const text = textOf(sampleModel(), [sampleReport()]);
    expect(text).toMatch(/Cache growth +cache +total +128\.00 KiB per token/);
    expect(text).toMatch(/ 4k +512\.00 MiB/);
    expect(text).toMatch(/ 8k +1\.00 GiB .*this one/);
    expect(text).toMatch(/ 128k +16\.00 GiB .*trained/);
  });

  it("shows what is not known as not known, never as nothing", () => {
    const totals = { weights: GIB, cache: null, compute: null, overhead: 0, total: null, low: GIB, high: null };
    const estimate = sampleEstimate({
      items: [{ component: "weights", label: "w", device: "CPU", bytes: GIB, certainty: "exact", source: "" }],
      devices: [{ name: "CPU", ...totals }],
      totals,
      cachePerToken: null,
      cachePerSequence: null,
    });
    const growth = [{ contextTokens: 4096, cacheBytes: null, totalBytes: null, verdict: undefined }];
    const text = textOf(sampleModel(), [sampleReport({ estimate, growth })]);
    expect(text).toMatch(/cache +not known/);
    expect(text).toMatch(/total +not known +at least 1\.00 GiB/);
    expect(text).toContain("Cache growth  per token not known");
    expect(text).not.toMatch(/\b0 B\b/);
  });

  it("says that an encoder keeps nothing", () => {
    const growth = [{ contextTokens: 512, cacheBytes: 0, totalBytes: GIB, verdict: undefined }];
    expect(textOf(sampleModel(), [sampleReport({ growth })])).toContain("none: nothing is kept between tokens");
  });

  it("says that it fits, by how much, and that the whole trained context would", () => {
    const fits = held("fits", 8 * GIB, 5076 * 1024 ** 2);
    const text = textOf(sampleModel(), [sampleReport({ fits, largestContextTokens: 131_072 })]);
    expect(text).toContain("Fits on GPU0, 8.00 GiB: 3.04 GiB to spare, 3.00 GiB at worst.");
    expect(text).toContain("The whole trained context fits: 131,072 tokens.");
    expect(text).toContain("█ weights  ▓ cache  ▒ compute  · free");
  });

  it("says that it does not fit, by how much, and what would", () => {
    const fits = held("too-large", 4 * GIB, 5076 * 1024 ** 2);
    const text = textOf(sampleModel(), [sampleReport({ fits, largestContextTokens: 1024 })]);
    expect(text).toContain("Does not fit on GPU0, 4.00 GiB: 980.00 MiB too much, 924.00 MiB at best.");
    expect(text).toContain("Largest context that fits: 1,024 tokens.");
  });

  it("says so when the weights alone are too large", () => {
    const fits = held("too-large", 2 * GIB, 5076 * 1024 ** 2);
    expect(textOf(sampleModel(), [sampleReport({ fits })])).toContain("The weights alone are too large");
  });

  it("calls nothing that lies between the bounds", () => {
    const fits = held("close", 5 * GIB - 1, 5076 * 1024 ** 2);
    expect(textOf(sampleModel(), [sampleReport({ fits })])).toContain(
      "Too close to call on GPU0, 5.00 GiB: takes 4.90 to 5.00 GiB.",
    );
  });

  it("notes a context beyond the trained one", () => {
    const text = textOf(sampleModel({ trainedContext: 4096 }), [sampleReport()]).replace(/\n +for$/, " for");
    expect(text).toContain("note: the context of 8,192 tokens is longer than the 4,096 the model was trained for");
  });

  it("ends with the notes, each once, and counts those beyond eight", () => {
    const diagnostics = Array.from({ length: 12 }, (_, index) => ({
      code: "unknown-dtype" as const,
      message: `tensor ${index % 10} is odd`,
      where: "",
    }));
    const lines = screen(sampleModel({ diagnostics }), [], OPTIONS);
    expect(lines.filter((line) => line.startsWith("note: "))).toHaveLength(9);
    expect(lines.at(-1)).toBe("note: 2 more notes in the JSON output");
  });

  it("escapes every text that comes from a file", () => {
    const evil = "\u001b]0;owned\u0007\u202e";
    const model = sampleModel({
      architecture: evil,
      source: { ...sampleModel().source, id: `${evil}id`, revision: evil, commit: evil },
      metadata: { "general.name": evil },
      quantization: { method: evil, bitsPerWeight: 4 },
      weights: { ...sampleModel().weights, byDtype: { [evil]: { tensors: 1, bytes: 4 * GIB } } },
      diagnostics: [{ code: "unknown-dtype", message: evil, where: evil }],
    });
    const { estimate } = sampleReport();
    const items = estimate.items.map((item) => ({ ...item, label: evil }));
    const text = textOf(model, [sampleReport({ estimate: { ...estimate, items } })]);
    expect([...text].filter((character) => /[\p{Cc}\p{Cf}]/u.test(character) && character !== "\n")).toEqual([]);
    expect(text).toContain("\\x1B]0;owned\\x07\\u{202E}");
  });

  it.each([80, 72, 62])("stays within %i columns", (columns) => {
    const kvHeads = Array.from({ length: 200 }, (_, index) => index);
    const model = sampleModel({
      kvHeads,
      attentionHeads: kvHeads,
      metadata: { "general.name": "模".repeat(100) },
      diagnostics: [{ code: "not-counted", message: "x".repeat(200), where: "y".repeat(90) }],
      source: { ...sampleModel().source, id: "a/".repeat(200) },
    });
    const fits = held("close", 5 * GIB - 1, 5076 * 1024 ** 2);
    const report = sampleReport({
      fits,
      growth: sampleReport().growth.map((point) => ({ ...point, verdict: "too-large" })),
      estimate: sampleEstimate({ workload: { ...sampleEstimate().workload, contextTokens: 131_072 } }),
    });
    const wide = screen(model, [report], { style: PLAIN, columns }).filter((line) => displayWidth(line) > columns);
    expect(wide).toEqual([]);
  });
});

describe("the contexts of the growth table", () => {
  it("are the usual ones up to the trained one, and the one asked for", () => {
    expect(growthContexts(40_960, 10_000)).toEqual([4096, 8192, 10_000, 32_768, 40_960]);
    expect(growthContexts(131_072, 131_072)).toEqual([4096, 8192, 32_768, 131_072]);
    expect(growthContexts(512, null)).toEqual([512]);
    expect(growthContexts(null, null)).toEqual([4096, 8192, 32_768, 131_072]);
  });
});

describe("several verdicts", () => {
  it("are as bad as the worst", () => {
    const all = [...held("fits", 1, 1), ...held("too-large", 1, 1), ...held("close", 1, 1)];
    expect(worstVerdict(all)).toBe("too-large");
    expect(worstVerdict(all.filter((one) => one.verdict !== "too-large"))).toBe("close");
    expect(worstVerdict([])).toBeUndefined();
  });
});
