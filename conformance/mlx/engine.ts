import { missingModules, runPython } from "../python.ts";
import { type MlxGolden, parseAnswer } from "./golden.ts";

/** Why mlx-lm cannot be asked here, or undefined when it can. */
export function missingEngine(): string | undefined {
  return missingModules(["mlx", "mlx_lm"], "mlx/requirements.txt", ".venv-mlx");
}

/** Asks mlx-lm of every model_type: about twenty minutes. Given some of them, of these alone. */
export function askEngine(modelTypes: readonly string[] = []): MlxGolden {
  return parseAnswer(runPython("mlx/ask.py", modelTypes, { environment: ".venv-mlx" }));
}
