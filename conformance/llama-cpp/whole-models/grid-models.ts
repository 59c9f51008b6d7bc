/** Models that are asked for every combination of devices: architecture, title, and whether the output is tied. */
export const GRID_MODELS: ReadonlySet<string> = new Set([
  "llama ", // dense
  "qwen3  tied", // tied
  "qwen3moe experts", // experts
  "deepseek2 ", // latent attention
  "glm4moe MTP", // predicts further tokens
  "gemma4 ", // windows, a shared tail, an embedding created last
  "gemma3n ",
  "falcon-h1 ", // attention beside a recurrence
  "qwen3next ", // delta nets between layers of attention
  "openelm ", // heads by layer
  "nanbeige ", // looped
  "bert ", // an encoder
  "t5 ", // an encoder and a decoder
]);
