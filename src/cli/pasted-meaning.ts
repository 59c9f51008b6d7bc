/** What a flag of llama.cpp is to the figures. Flags that are not here change no memory. */
export type Meaning =
  /** The same as an option here, with its value. */
  | { readonly kind: "own"; readonly flag: string }
  /** Tells where the model is. */
  | { readonly kind: "source" }
  /** Takes memory, or moves it, in a way that is not counted. */
  | { readonly kind: "uncounted" }
  /** Read by {@link readPasted} itself. */
  | { readonly kind: "special" };

/** Options here under llama.cpp's long name, or `theirs=ours`, whose every name is one here too ({@link SAME_OPTIONS}). */
const SAME =
  "--ctx-size=--context --parallel=--sequences --batch-size --ubatch-size --cache-type-k --cache-type-v --flash-attn " +
  "--kv-unified --swa-full --n-gpu-layers --split-mode --main-gpu --tensor-split --override-tensor --cpu-moe " +
  "--n-cpu-moe --n-cpu-ffn --kv-offload --op-offload --embeddings --threads --no-host --load-mode " +
  "--mmproj --mmproj-offload --model-draft " +
  "--n-gpu-layers-draft=--gpu-layers-draft --cache-type-k-draft --cache-type-v-draft --spec-draft-n-max";

/** Flags that are read as an option here but are not the same: their names are none here. */
const LIKE =
  "--reranking=--embeddings --mmproj-url=--mmproj --hf-repo-draft=--model-draft --hf-token=--token --offline";

/** As llama.cpp has it: a repo wins over an address, which wins over a file (`common_models_handler_apply`). */
export const SOURCES: readonly string[] = ["--hf-repo", "--model-url", "--model"];

const UNCOUNTED =
  "--lora --lora-scaled --control-vector --control-vector-scaled --override-kv --pooling --attention --rpc " +
  "--backend-sampling --spec-default --swa-checkpoints --cache-ram --lazy-mode --repack --mmproj-device " +
  "--override-tensor-draft --cpu-moe-draft --n-cpu-moe-draft --device-draft --docker-repo " +
  "--lookup-cache-static --lookup-cache-dynamic";

const SPECIAL = "--device --hf-file --kv-unified-per-slot --spec-type --threads-batch --mmproj-auto";

function pairs(list: string): (readonly [theirs: string, ours: string])[] {
  return list.split(" ").map((pair) => {
    const [theirs = "", ours = theirs] = pair.split("=");
    return [theirs, ours];
  });
}

/** The option here of each flag that is the same under another name, by the last of llama.cpp's names for it. */
export const SAME_OPTIONS: ReadonlyMap<string, string> = new Map(pairs(SAME));

/** By the last of llama.cpp's names for it. */
export const MEANINGS: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ...[...SAME_OPTIONS, ...pairs(LIKE)].map(([theirs, flag]) => [theirs, { kind: "own", flag }] as const),
  ...SOURCES.map((name) => [name, { kind: "source" }] as const),
  ...UNCOUNTED.split(" ").map((name) => [name, { kind: "uncounted" }] as const),
  ...SPECIAL.split(" ").map((name) => [name, { kind: "special" }] as const),
]);

/** An option that a negated flag stands for. */
export function negationOf(option: string): string {
  return `--no-${option.slice(2)}`;
}

/** Flags that stand for a model with settings of its own, as `--gpt-oss-20b-default`. */
export function isStandIn(name: string): boolean {
  return name !== "--spec-default" && /-(?:default|spec)$/.test(name);
}
