import { readFileSync } from "node:fs";
import { writeGguf } from "../formats/write-gguf.ts";
import { writeSafetensors } from "../formats/write-safetensors.ts";
import { type MockHub, type MockRepo, startMockHub } from "./mock-hub.ts";

/** Known to the hub; no other origin may ever see it, nor may any message show it. */
export const TOKEN = "hf_S3cretS3cretS3cretS3cretS3cretS3cr";
/** Known too, and not granted the gated repo. */
export const OTHER_TOKEN = "hf_0therS3cret0therS3cret0therS3cret0";
export const OTHER_COMMIT: string = "f".repeat(40);

const fixture = (path: string): Uint8Array => readFileSync(new URL(`../../fixtures/files/${path}`, import.meta.url));
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
/** Its header takes 4,608 bytes. */
export const demo: Uint8Array = fixture("demo.gguf");
const llama = { "config.json": fixture("safetensors/llama-3/config.json") };

/** One tensor of 60 MB, of which only the header is ever wanted. */
const bigHeader = writeGguf({
  keys: [{ key: "general.architecture", type: "string", value: "llama" }],
  tensors: [{ name: "a.weight", shape: [15_000_000] }],
});

function hundredShards(): Record<string, Uint8Array> {
  const shards = Array.from({ length: 100 }, (_, i) => {
    const header = JSON.stringify({ [`t${i}`]: { dtype: "F32", shape: [1], data_offsets: [0, 4] } });
    const name = `model-${String(i + 1).padStart(5, "0")}-of-00100.safetensors`;
    return [name, writeSafetensors({ header, dataBytes: 4 })] as const;
  });
  return Object.fromEntries(shards);
}

const index = (...paths: string[]) =>
  utf8(JSON.stringify({ weight_map: Object.fromEntries(paths.map((path, i) => [`t${i}`, path])) }));

/** Repos whose index names files that are not theirs: `path` and what stands in the index. */
function indexed(path: string): MockRepo {
  const files = { "a.safetensors": demo, "b.safetensors": demo, "model.safetensors.index.json": index(path) };
  return { files };
}

/** A hub with every kind of repo the faults need. */
export async function startFaultHub(): Promise<MockHub> {
  const model = { "m-Q4_K_M.gguf": demo };
  const hub = await startMockHub({
    tokens: [TOKEN, OTHER_TOKEN],
    grantedTokens: [TOKEN],
    repos: {
      "org/model": { files: model, refs: { "refs/pr/1": OTHER_COMMIT } },
      "org/llama": { files: { ...llama, "model.safetensors": fixture("safetensors/llama-3/model.safetensors") } },
      "org/paged": { files: { "a.txt": utf8("a"), "b.txt": utf8("b"), ...model }, omitSiblings: true },
      "org/big": { files: { "big.gguf": { size: bigHeader.byteLength + 60_000_000, header: bigHeader } } },
      "org/empty": { files: { "m.gguf": new Uint8Array(0) } },
      "org/hundred": { files: hundredShards() },
      "org/odd": { files: { "sub dir/ü #1?.gguf": demo } },
      "org/pickle": { files: { "pytorch_model.bin": demo } },
      "org/gated": { files: model, gated: "manual", claims: 8_030_261_248 },
      "org/private": { files: model, private: true },
      "org/disabled": { files: model, disabled: true },
      "org/old": { files: {}, movedTo: "org/model" },
      "org/parent": indexed("../../org/private/resolve/main/a.safetensors"),
      "org/encoded": indexed("%2e%2e/%2e%2e/x.safetensors"),
      "org/backslash": indexed("..\\x.safetensors"),
      "org/absolute": indexed("/etc/passwd"),
      "org/control": indexed("\t../x.safetensors"),
    },
    pageLength: 2,
  });
  hub.repos.set("org/address", indexed(`${hub.cdnUrl}/x.safetensors`));
  hub.repos.set("org/hostless", indexed(`//${new URL(hub.cdnUrl).host}/x.safetensors`));
  return hub;
}
