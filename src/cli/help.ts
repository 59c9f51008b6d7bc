export const HELP_SUMMARY: string =
  "Weighs a language model before it meets the hardware: reads only the headers of\nGGUF and safetensors files, and says what the weights, cache and buffers take.";

export const HELP_AFTER: string = `
Examples:
  $ weighin model.gguf --device 24GiB           does it fit, with what context?
  $ weighin org/name-GGUF:Q4_K_M --context 32k  a quantization of a hub repo
  $ weighin ollama://llama3.2:3b                a model of Ollama's
  $ weighin org/name --json                     everything, for another program
  $ weighin model.gguf -c 32k -ctk q8_0 -fa on  llama.cpp's own short names work
  $ weighin org/name-GGUF --all -d 24GiB        its quantizations side by side
  $ weighin -- llama-server -m a.gguf -ngl 99   a pasted line of llama.cpp's
  $ weighin ./checkpoint --tensors | less       what is in it

After -- stands a command line of llama.cpp's, with or without the program and
the model. What changes no memory (--host, --temp) is read and left out; what
stands before -- wins.

Exit codes:
  0  weighed; with --device, it fits
  1  the model or its source is bad, or cannot be reached
  2  bad usage
  3  does not fit the device, or cannot be promised to

Environment:
  HF_TOKEN, HF_TOKEN_PATH, HF_HOME, HF_HUB_CACHE, HF_HUB_OFFLINE, HF_ENDPOINT,
  HF_HUB_DISABLE_IMPLICIT_TOKEN, HF_HUB_DOWNLOAD_TIMEOUT, OLLAMA_MODELS,
  NO_COLOR`;
