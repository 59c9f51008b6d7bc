import type { MlxWorkload } from "../../runtimes/mlx/workload.ts";
import type { RuntimeOption } from "./runtime-option.ts";

export const MLX_OPTIONS: readonly RuntimeOption<keyof MlxWorkload>[] = [];
