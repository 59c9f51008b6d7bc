import { describe, expect, it } from "vitest";
import { reportJson } from "../../src/report/json.ts";
import { PLAIN } from "../../src/report/style.ts";
import { tensorsSection } from "../../src/report/tensors-section.ts";
import { sampleEstimate, sampleModel } from "./sample.ts";

describe("the JSON", () => {
  it("holds the model and every estimate, without the tensors", () => {
    const { tensors: _, ...model } = sampleModel();
    expect(JSON.parse(reportJson(sampleModel(), [sampleEstimate()], false))).toEqual({
      model,
      memory: [sampleEstimate()],
    });
  });

  it("holds the tensors when asked for", () => {
    const { model } = JSON.parse(reportJson(sampleModel(), [], true));
    expect(model).toEqual(sampleModel());
  });

  it("escapes what a terminal would obey, and still reads back the same", () => {
    const evil = "\u001b[31m\u009b\u007f\u202e\u2028\u{e0001}";
    const text = reportJson(sampleModel({ architecture: evil }), [], false);
    expect([...text].filter((character) => /[\p{Cc}\p{Cf}\u2028]/u.test(character) && character !== "\n")).toEqual([]);
    expect(JSON.parse(text).model.architecture).toBe(evil);
  });
});

describe("the list of tensors", () => {
  it("has a row for each: name, dtype, shape, bytes, parameters", () => {
    expect(tensorsSection(sampleModel(), PLAIN)).toEqual([
      "Tensors  1 tensor, 4.00 GiB",
      "  name               dtype  shape                bytes   parameters",
      "  token_embd.weight  Q4_K   4096 x 128256  295,501,824  525,336,576",
    ]);
  });

  it("escapes names, and does not let one long name move the others", () => {
    const [tensor] = sampleModel().tensors;
    if (tensor === undefined) throw new Error("no tensor");
    const model = sampleModel({
      tensors: [
        { ...tensor, name: "\u001b[2J" },
        { ...tensor, name: "n".repeat(1000), shape: [] },
      ],
    });
    const [, , first, second] = tensorsSection(model, PLAIN);
    expect(first).toContain("\\x1B[2J");
    expect(first?.length).toBeLessThan(140);
    expect(second).toContain("scalar");
  });
});
