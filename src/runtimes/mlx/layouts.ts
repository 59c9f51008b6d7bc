import type { StateName } from "./states.ts";

/** Where a module of mlx-lm keeps something else than its layers' shape says. */
export type Layout = {
  /** Layers with a window keep every token: always, or where `layer_types` does not name it. */
  readonly windows?: "ignored" | "listed";
  /** Latents are cached as the keys and values of all heads that they stand for. */
  readonly expanded?: true;
  /** Times an index key is kept: as key and as value. */
  readonly indexCopies?: number;
  /** States that are float32 whatever the model runs in. */
  readonly float32States?: readonly StateName[];
};

export const LAYOUTS: ReadonlyMap<string, Layout> = new Map<string, Layout>([
  ["llama", { windows: "listed" }],
  ["ministral3", { windows: "listed" }],
  ["deepseek_v2", { expanded: true }],
  ["minicpm3", { expanded: true }],
  ["youtu_llm", { expanded: true }],
  ["deepseek_v32", { indexCopies: 2 }],
  ["glm_moe_dsa", { indexCopies: 2 }],
]);
