import { describe, expect, it } from "vitest";
import { type PackedCase, readGolden, TOOLS } from "../../conformance/packed/golden.ts";
import { buildSafetensors, SMALL_CONFIG, tensor } from "./support.ts";

/** What only the values of `weight_shape` and of HQQ's `shape` tell: rows of one scale in words of 3 bits. */
const UNDECODED: ReadonlySet<string> = new Set([
  "compressed-tensors: pack-quantized, 3, int, channel, True, 384",
  "compressed-tensors: pack-quantized, 3, int, channel, True, 126",
  "hqq: 3 bits, axis 0, group size None",
]);

function built(packed: PackedCase, key: string): ReturnType<typeof buildSafetensors> {
  const config = packed.quantization === null ? SMALL_CONFIG : { ...SMALL_CONFIG, [key]: packed.quantization };
  return buildSafetensors(
    config,
    packed.tensors.map(([name, dtype, shape]) => tensor(name, shape, dtype)),
  );
}

describe.each(TOOLS)("weights that %s packed", (tool) => {
  const { cases } = readGolden(tool);
  it.each(cases.map((row): [string, PackedCase] => [row.case, row]))("stand for what was packed: %s", (name, row) => {
    const { model, diagnostics } = built(row, tool === "mlx" ? "quantization" : "quantization_config");
    const codes = diagnostics.filter(({ code }) => code === "undecoded-weights").map(({ code }) => code);
    if (UNDECODED.has(`${tool}: ${name}`)) {
      expect(codes).toEqual(["undecoded-weights"]);
      return;
    }
    expect(codes).toEqual([]);
    expect(model.parameters.total).toBe(row.parameters);
    const stored = model.tensors.reduce((sum, { bytes }) => sum + bytes, 0);
    expect(model.quantization?.bitsPerWeight).toBe((8 * stored) / row.parameters);
  });
});
