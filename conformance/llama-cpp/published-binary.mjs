// Asks the llama.cpp binary that npm carries about each GGUF file named, without a GPU and otherwise by the defaults of the
// command-line tools at a context of 8192: one line of JSON each, with the bytes of the weights, and of context and compute
// together (it gives no finer parts).
import { getLlama } from "node-llama-cpp";

const llama = await getLlama({ gpu: false, build: "never", logLevel: "disabled" });
const { AddonModel, AddonContext } = llama._bindings;
for (const file of process.argv.slice(2)) {
  const model = new AddonModel(file, { gpuLayers: 0, noAlloc: true, useMmap: false, useMlock: false });
  await model.init();
  const weightBytes = model.getMemoryBreakdown().cpuRam;
  const options = { contextSize: 8192, batchSize: 512, sequences: 1, flashAttention: "auto", swaFullCache: false };
  const context = new AddonContext(model, options);
  await context.init();
  console.log(JSON.stringify({ file, weightBytes, contextAndComputeBytes: context.getMemoryBreakdown().cpuRam }));
  await context.dispose();
  await model.dispose();
}
process.exit(0); // the addon keeps threads alive
