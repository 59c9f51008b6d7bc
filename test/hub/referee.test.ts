import { downloadFile, listFiles, modelInfo, parseSafetensorsMetadata } from "@huggingface/hub";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DEFAULT_COMMIT, type MockHub, startMockHub } from "./mock-hub.ts";

const text = (value: string) => new TextEncoder().encode(value);

/** One BF16 tensor of two elements. */
function tinySafetensors(): Uint8Array {
  const header = text('{"w":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}');
  const file = new Uint8Array(8 + header.byteLength + 4);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.byteLength), true);
  file.set(header, 8);
  return file;
}

describe("the mock hub, judged by the stock client @huggingface/hub", () => {
  let hub: MockHub;
  beforeAll(async () => {
    const files = { "config.json": text('{"model_type":"llama"}'), "model.safetensors": tinySafetensors() };
    hub = await startMockHub({
      repos: { "org/tiny": { files }, "org/old": { files: {}, movedTo: "org/tiny" } },
      pageLength: 1,
    });
  });
  afterAll(() => hub.close());

  it("lists files over several pages", async () => {
    const paths: string[] = [];
    for await (const file of listFiles({ repo: "org/tiny", hubUrl: hub.url, recursive: true }))
      paths.push(`${file.path} ${file.size}`);
    expect(paths).toEqual(["config.json 22", "model.safetensors 67"]);
    expect(hub.stats.list.filter(({ path }) => path.includes("/tree/"))).toHaveLength(2);
  });

  it("tells the commit of a model", async () => {
    const info = await modelInfo({ name: "org/tiny", hubUrl: hub.url, additionalFields: ["sha"] });
    expect(info.sha).toBe(DEFAULT_COMMIT);
  });

  it("follows a renamed repo", async () => {
    const info = await modelInfo({ name: "org/old", hubUrl: hub.url });
    expect(info.name).toBe("org/tiny");
  });

  it("serves a small text, compressed or not", async () => {
    const blob = await downloadFile({ repo: "org/tiny", path: "config.json", hubUrl: hub.url });
    expect(await blob?.text()).toBe('{"model_type":"llama"}');
  });

  it("serves the header of a safetensors file by ranges from the other origin", async () => {
    const parsed = await parseSafetensorsMetadata({ repo: "org/tiny", hubUrl: hub.url, computeParametersCount: true });
    expect(parsed.sharded).toBe(false);
    expect(parsed.parameterCount).toEqual({ BF16: 2 });
    expect(hub.stats.cdnRequests).toBeGreaterThan(0);
  });
});
