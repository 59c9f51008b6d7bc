import type { GgufTensor } from "../../../fixtures/write-gguf.ts";
import type { Variant } from "./variants/variant.ts";

/** Its scale is read only where it is of NVFP4. */
const OUTPUT = "output.weight";

/** The tensors of a row as a variant has them; `denseWidth` is that of a dense feed-forward. */
export function changedTensors(
  tensors: readonly GgufTensor[],
  variant: Omit<Variant, "architecture" | "title">,
  denseWidth: number,
): readonly GgufTensor[] {
  const { without, joined, dense = [], tensors: added = [], scales = [], biases = [] } = variant;
  const kept = repeated(tensors, variant.layers).filter(
    ({ name }) => without?.test(name) !== true && added.every((each) => each.name !== name),
  );
  const joint = joined ? joinedIn(kept, joined) : kept;
  const made = [...denseInstead(joint, dense, denseWidth), ...added].map((each) =>
    each.name === OUTPUT && scales.includes("output") ? { ...each, type: "NVFP4" as const } : each,
  );
  return [...made, ...scalesOf(made, scales), ...biasesOf(made, biases)];
}

function repeated(tensors: readonly GgufTensor[], layers: number | undefined): readonly GgufTensor[] {
  const last = Math.max(...tensors.map(({ name }) => Number(/^blk\.(\d+)\./.exec(name)?.[1] ?? -1)));
  const ofLast = tensors.filter(({ name }) => name.startsWith(`blk.${last}.`));
  const more = Array.from({ length: Math.max(0, (layers ?? 0) - last - 1) }, (_, index) =>
    ofLast.map((each) => ({ ...each, name: each.name.replace(/\d+/, `${last + 1 + index}`) })),
  );
  return [...tensors, ...more.flat()];
}

/** Matrices of one block one after the other, of the first one's type; where one is missing nothing is joined. */
function joinedIn(
  tensors: readonly GgufTensor[],
  { into, parts }: NonNullable<Variant["joined"]>,
): readonly GgufTensor[] {
  const blocks = new Map<string, GgufTensor[]>();
  for (const each of tensors) {
    const [, block, name = ""] = /^(.*\.\d+)\.(\w+)\.weight$/.exec(each.name) ?? [];
    if (block !== undefined && parts.includes(name)) blocks.set(block, [...(blocks.get(block) ?? []), each]);
  }
  const whole = [...blocks].filter(([, found]) => found.length === parts.length);
  const gone = new Set(whole.flatMap(([, found]) => found));
  const made = whole.map(([block, found]): GgufTensor => {
    const [row = 0, , ...rest] = found[0]?.shape ?? [];
    const rows = found.reduce((sum, { shape }) => sum + (shape[1] ?? 1), 0);
    return { name: `${block}.${into}.weight`, type: found[0]?.type ?? "F32", shape: [row, rows, ...rest] };
  });
  return [...tensors.filter((each) => !gone.has(each)), ...made];
}

const OF_EXPERTS = /_exps|gate_inp|_shexp|exp_probs|_chexps|ffn_latent/;

function denseInstead(tensors: readonly GgufTensor[], blocks: readonly number[], width: number): readonly GgufTensor[] {
  return tensors.flatMap((each): readonly GgufTensor[] => {
    const { name, shape, type } = each;
    if (!blocks.includes(Number(/^blk\.(\d+)\./.exec(name)?.[1] ?? -1)) || !OF_EXPERTS.test(name)) return [each];
    const [, part] = /ffn_(gate|up|down)_exps\.weight$/.exec(name) ?? [];
    if (part === undefined) return [];
    const [row = 0, rows = 0] = shape;
    const dense = part === "down" ? [width, rows] : [row, width];
    return [{ name: name.replace("_exps", ""), type, shape: dense }];
  });
}

/** One number for each matrix, or for each expert. */
function scalesOf(tensors: readonly GgufTensor[], names: readonly string[]): readonly GgufTensor[] {
  return matrices(tensors, names).map(({ name, shape }) => ({
    name: name.replace(/weight$/, "scale"),
    type: "F32",
    shape: [shape[2] ?? 1],
  }));
}

function biasesOf(tensors: readonly GgufTensor[], names: readonly string[]): readonly GgufTensor[] {
  return matrices(tensors, names)
    .map(
      ({ name, shape: [, ...rows] }): GgufTensor => ({
        name: name.replace(/weight$/, "bias"),
        type: "F32",
        shape: rows,
      }),
    )
    .filter(({ name }) => tensors.every((each) => each.name !== name));
}

function matrices(tensors: readonly GgufTensor[], names: readonly string[]): readonly GgufTensor[] {
  return tensors.filter(({ name }) => names.includes(/^(?:blk\.\d+\.)?(.+)\.weight$/.exec(name)?.[1] ?? ""));
}
