import { writeFileSync } from "node:fs";
import type { GgufTensor } from "../../../fixtures/write-gguf.ts";
import { writeHoleyFile } from "../../holey-file.ts";
import type { ArchitectureCase } from "../architectures/groups.ts";
import { ggufOfKeys, writeKeys } from "../architectures/keys.ts";
import { askDevices, madeUpTensors } from "../engine.ts";
import { byDevice, outputBytesOf } from "../placed.ts";
import { DEEP_GRID, placedFlags, VARIANT_PLACEMENTS } from "../placements.ts";
import { besides, MODEL, tensorsOf } from "../whole-models/ask.ts";
import { foldTensors } from "../whole-models/tensors.ts";
import type { VariantRow } from "./golden.ts";
import { type Variant, variants } from "./variants.ts";

/** Asks about every variant; one without a tensor is none where there is no such tensor, or the engine wants it. */
export function askVariants(): VariantRow[] {
  return variants().flatMap((variant) => {
    const row = askVariant(variant);
    if (row?.placed.some((answer) => Array.isArray(answer))) return [row];
    if (variant.without !== undefined && !variant.inGrid) return [];
    const { architecture, title } = variant.base;
    throw new Error(`${architecture} ${title}, ${variant.variant}: ${row?.placed[0]}`);
  });
}

function askVariant({
  variant,
  base,
  changed,
  without,
  typed,
  isWhole = true,
  inGrid,
}: Variant): VariantRow | undefined {
  const asked: ArchitectureCase = { ...base, keys: { ...base.keys, ...changed } };
  const all = typed ? madeUp(asked, typed) : tensorsOf(asked);
  if (all === undefined || (without !== undefined && !all.some(({ name }) => name === without))) return undefined;
  const tensors = all.filter(({ name }) => name !== without);
  writeHoleyFile(MODEL, ggufOfKeys(asked.architecture, asked.keys, tensors));
  const beside = besides(asked.draftsFor);
  const ask = (list: typeof VARIANT_PLACEMENTS) =>
    list.map((workload) => askDevices(MODEL, [...beside, ...placedFlags(workload)]));
  const answers = ask(VARIANT_PLACEMENTS);
  const isAsInWhole = isWhole && typed === undefined && Object.keys(changed).length === 0;
  return {
    variant,
    architecture: asked.architecture,
    title: asked.title,
    changed,
    ...(without === undefined ? {} : { without }),
    ...(isAsInWhole ? {} : { tensors: foldTensors(tensors) }),
    outputBytes: answers.map(outputBytesOf),
    placed: answers.map(byDevice),
    ...(inGrid ? { grid: ask(DEEP_GRID).map(byDevice) } : {}),
  };
}

function madeUp(asked: ArchitectureCase, typed: NonNullable<Variant["typed"]>): readonly GgufTensor[] | undefined {
  writeFileSync(MODEL, writeKeys(asked.architecture, asked.keys));
  const tensors = madeUpTensors(MODEL, besides(asked.draftsFor));
  return tensors && typed(tensors);
}
