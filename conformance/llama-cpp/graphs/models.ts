import type { GgufFile } from "../../../fixtures/write-gguf.ts";
import { ARCHITECTURE_CASES } from "../architectures/cases.ts";
import { ggufOfKeys } from "../architectures/keys.ts";
import { keysOfRows, readWholeModels, type WholeModelRow } from "../whole-models/golden.ts";
import { unfoldTensors } from "../whole-models/tensors.ts";
import { changedTensors } from "./changed.ts";
import { VARIANTS } from "./variants/index.ts";
import type { Variant } from "./variants/variant.ts";

/** A model whose graphs are asked for: a whole model, or one with other keys and tensors. */
export type GraphModel = { readonly row: WholeModelRow; readonly variant?: Variant };

/** Every whole model, and after them the variants. */
export function graphModels(): GraphModel[] {
  const { rows } = readWholeModels();
  const variants = VARIANTS.flatMap((variant): GraphModel[] => {
    const { architecture, row: title } = variant;
    const ours = rows.filter(
      (each) => each.architecture === architecture && each.keys === "architectures" && !each.tied,
    );
    const row = ours.find((each) => each.title === (title ?? "")) ?? (title === undefined ? ours[0] : undefined);
    if (row === undefined) throw new Error(`no whole model of ${architecture} ${title ?? ""}`);
    return [{ row, variant }];
  });
  return [...rows.map((row) => ({ row })), ...variants];
}

/** What a model is called in messages. */
export function titleOf({ row: { keys, architecture, title, tied }, variant }: GraphModel): string {
  const words = [keys === "saved-models" ? "saved" : "", architecture, title, tied ? "tied" : "", variant?.title ?? ""];
  return words.filter((word) => word !== "").join(" ");
}

let keysOf: ReturnType<typeof keysOfRows> | undefined;

/** Keys and tensors of a model. */
export function ggufOf({ row, variant }: GraphModel): GgufFile {
  const { withoutKeys = [], layers } = variant ?? {};
  const depth = layers === undefined ? {} : { block_count: layers };
  keysOf ??= keysOfRows();
  const entries = Object.entries({ ...keysOf(row).keys, ...depth, ...variant?.keys });
  const keys = Object.fromEntries(entries.filter(([key]) => !withoutKeys.includes(key)));
  const denseWidth = Number([keys["feed_forward_length"] ?? 0].flat()[0]);
  return ggufOfKeys(row.architecture, keys, changedTensors(unfoldTensors(row.tensors), variant ?? {}, denseWidth));
}

/** The architecture that a draft is for. */
export function draftsFor({ row, variant }: GraphModel): string | undefined {
  const asked = ARCHITECTURE_CASES.find(
    ({ architecture, title }) => architecture === row.architecture && title === row.title,
  );
  return variant?.draftsFor ?? asked?.draftsFor;
}
