/**
 * Stops a deployment that would not fit, before anything is downloaded: the weights and the cache of the model as the
 * engine will lay them out, held against the memory of the card.
 *
 *     npx tsx examples/gate-deployment.ts <model> <GiB> <context>
 */
import { estimateMemory, inspectModel } from "weighin";

const [source = "fixtures/files/demo.gguf", gib = "24", context = "4096"] = process.argv.slice(2);
const memoryBytes = Math.floor(Number(gib) * 1024 ** 3);

const model = await inspectModel(source);
const { devices } = estimateMemory(model, {
  runtime: model.format === "gguf" ? "llama.cpp" : "transformers",
  contextTokens: Number(context),
  devices: [{ name: "GPU0", kind: "cuda", memoryBytes }],
});

// `high` is null where the cache is not known: what cannot be computed is not promised.
const high = devices.find((device) => device.name === "GPU0")?.high ?? null;
const fits = high !== null && high <= memoryBytes;
console.log(`${source}: ${fits ? "fits" : "does not fit"} ${gib} GiB, takes at most ${high ?? "?"} bytes`);
process.exitCode = fits ? 0 : 1;
