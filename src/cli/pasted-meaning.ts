/** What a flag of llama.cpp is to the figures. Flags that are not here change no memory. */
export type Meaning =
  /** The same as an option here, with its value. */
  | { readonly kind: "own"; readonly flag: string }
  /** Tells where the model is: the first of the order that is given. */
  | { readonly kind: "source"; readonly order: number }
  /** Takes memory, or moves it, in a way that is not counted. */
  | { readonly kind: "uncounted" }
  /** Read by {@link readPasted} itself. */
  | { readonly kind: "special" };

/** Options here under llama.cpp's long name, or `theirs=ours`. A negated flag is the option with `--no-`. */
const OWN =
  "--ctx-size=--context --parallel=--sequences --batch-size --ubatch-size --cache-type-k --cache-type-v --flash-attn " +
  "--kv-unified --swa-full --n-gpu-layers --split-mode --main-gpu --tensor-split --override-tensor --cpu-moe " +
  "--n-cpu-moe --n-cpu-ffn --kv-offload --op-offload --embeddings --reranking=--embeddings --threads --no-host --load-mode " +
  "--mmproj --mmproj-url=--mmproj --mmproj-offload --model-draft --hf-repo-draft=--model-draft " +
  "--n-gpu-layers-draft=--gpu-layers-draft --cache-type-k-draft --cache-type-v-draft --spec-draft-n-max " +
  "--hf-token=--token --offline";

/** As llama.cpp has it: a repo wins over an address, which wins over a file (`common_models_handler_apply`). */
const SOURCES = ["--hf-repo", "--model-url", "--model"];

const UNCOUNTED =
  "--lora --lora-scaled --control-vector --control-vector-scaled --override-kv --pooling --attention --rpc " +
  "--backend-sampling --spec-default --swa-checkpoints --cache-ram --lazy-mode --repack --mmproj-device " +
  "--override-tensor-draft --cpu-moe-draft --n-cpu-moe-draft --device-draft --docker-repo " +
  "--lookup-cache-static --lookup-cache-dynamic";

const SPECIAL = "--device --hf-file --kv-unified-per-slot --spec-type --threads-batch --mmproj-auto";

function entries(list: string, meaning: (name: string) => readonly [string, Meaning]): (readonly [string, Meaning])[] {
  return list.split(" ").map(meaning);
}

/** By the last of llama.cpp's names for it. */
export const MEANINGS: ReadonlyMap<string, Meaning> = new Map([
  ...entries(OWN, (pair) => {
    const [theirs = "", flag = theirs] = pair.split("=");
    return [theirs, { kind: "own", flag }];
  }),
  ...SOURCES.map((name, order) => [name, { kind: "source", order }] as const),
  ...entries(UNCOUNTED, (name) => [name, { kind: "uncounted" }]),
  ...entries(SPECIAL, (name) => [name, { kind: "special" }]),
]);

/** Flags that stand for a model with settings of its own, as `--gpt-oss-20b-default`. */
export function isStandIn(name: string): boolean {
  return name !== "--spec-default" && /-(?:default|spec)$/.test(name);
}
