import type { Reporter } from "../diagnostics.ts";
import type { GgufMetadata } from "../formats/gguf/value.ts";
import type { TensorEntry } from "../formats/tensor-entry.ts";
import type { Limits } from "../limits.ts";
import type { ConfigObject } from "./config.ts";

/** What a GGUF set says: the keys of its first file, the tensors of all. */
export type GgufInput = {
  readonly format: "gguf";
  readonly metadata: GgufMetadata;
  readonly tensors: readonly TensorEntry[];
  readonly limits: Limits;
  readonly report: Reporter;
};

/** What a safetensors set says: its config.json when there is one, `__metadata__` of its first file, the tensors of all files. */
export type SafetensorsInput = {
  readonly format: "safetensors";
  readonly config: ConfigObject | undefined;
  readonly metadata: ReadonlyMap<string, string>;
  readonly tensors: readonly TensorEntry[];
  readonly limits: Limits;
  readonly report: Reporter;
};

export type ModelInput = GgufInput | SafetensorsInput;
