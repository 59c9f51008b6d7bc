import { isInspectError } from "../../src/errors.ts";
import type { Model } from "../../src/model/model.ts";
import { estimateMemory } from "../../src/runtimes/estimate-memory.ts";
import type { MlxWorkload } from "../../src/runtimes/mlx/workload.ts";
import { type ModelTypeRow, modelOf, modelOfRow, readModelTypes } from "../transformers/model-types.ts";
import type { AskedWorkload, Converted, MlxRow } from "./golden.ts";

/** How many figures were held against mlx-lm's, and where they differ. */
export type Comparison = { readonly compared: number; readonly differences: readonly string[] };

/** Holds weighin against what mlx-lm held of one model_type. */
export async function compareRow(row: MlxRow, workloads: readonly AskedWorkload[]): Promise<Comparison> {
  const differences: string[] = [];
  let compared = 0;
  const hold = (what: string, ours: unknown, theirs: unknown): void => {
    compared += 1;
    if (ours !== theirs) differences.push(`${row.modelType}, ${what}: ${ours}, mlx-lm ${theirs}`);
  };
  for (const converted of row.converted) {
    if (typeof converted === "string") continue;
    hold(
      `weights ${JSON.stringify(converted.quantization)}`,
      weights(await modelOfConverted(row, converted)),
      converted.held,
    );
  }
  if (typeof row.published === "number") hold("published weights", weights(await publishedModel(row)), row.published);
  const models = { bfloat16: await plainModel(row, "bfloat16"), float32: await plainModel(row, "float32") };
  for (const [index, asked] of workloads.entries()) {
    hold(
      `cache after ${JSON.stringify(asked)}`,
      cacheOf(models[asked.dtype ?? "bfloat16"], asked),
      heldOf(row, index, workloads),
    );
  }
  return { compared, differences };
}

/** mlx-lm's own words for why it broke off are not ours; where it would have a few tokens later counts as breaking off. */
function heldOf(row: MlxRow, index: number, workloads: readonly AskedWorkload[]): number | string | undefined {
  const asked = workloads[index];
  const packed = row.caches.filter((_, other) => workloads[other]?.bits !== undefined);
  const breaks = asked?.bits === undefined ? [row.caches[index]] : packed;
  return breaks.some((held) => typeof held === "string") ? "refused" : row.caches[index];
}

function modelOfConverted({ config }: MlxRow, { quantization, tensors }: Converted): Promise<Model> {
  return modelOf(quantization === null ? config : { ...config, quantization }, tensors);
}

/** The model as mlx-lm saves it, not packed. */
export async function plainModel(row: MlxRow, dtype: "bfloat16" | "float32"): Promise<Model> {
  const [plain] = row.converted;
  if (plain === undefined || typeof plain === "string") throw new Error(`no model of ${row.modelType}`);
  const { tensors } = plain;
  return modelOfConverted(row, { ...plain, tensors: dtype === "float32" ? inFloat32(tensors) : tensors });
}

function inFloat32(tensors: Converted["tensors"]): Converted["tensors"] {
  return Object.fromEntries(Object.entries(tensors).map(([names, text]) => [names, text.replace(/^BF16\b/, "F32")]));
}

function publishedModel({ modelType }: MlxRow): Promise<Model> {
  const row = readModelTypes().rows.find(
    (each): each is ModelTypeRow => each.modelType === modelType && !("refused" in each),
  );
  if (row === undefined) throw new Error(`transformers was not asked of ${modelType}`);
  return modelOfRow(row);
}

function weights(model: Model): number {
  return estimateMemory(model, { runtime: "mlx", contextTokens: 1 }).totals.weights;
}

function cacheOf(model: Model, asked: AskedWorkload): number | string | null {
  try {
    return estimateMemory(model, workloadOf(asked)).totals.cache;
  } catch (error) {
    if (isInspectError(error, "unsupported-option")) return "refused";
    throw error;
  }
}

function workloadOf(asked: AskedWorkload): MlxWorkload {
  return {
    runtime: "mlx",
    contextTokens: asked.prompt + asked.new,
    promptTokens: asked.prompt,
    sequences: asked.sequences ?? 1,
    prefillStepSize: asked.prefill ?? 2048,
    quantizedKvStart: asked.start ?? 0,
    ...(asked.maxKv === undefined ? {} : { maxKvSize: asked.maxKv }),
    ...(asked.bits === undefined ? {} : { kvBits: asked.bits }),
  };
}
