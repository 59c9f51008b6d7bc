import { type PartResult, verdict } from "../part.ts";
import { missingTool } from "./engine.ts";

/** What the engine said, held against what it said before or what weighin says. */
export type Asked = { readonly summary: string; readonly differences: readonly string[] };

/** A part that asks llama.cpp: skipped, with the reason, where what builds the engine is not there. */
export async function askPart(
  name: string,
  prepare: () => void,
  ask: () => Asked | Promise<Asked>,
): Promise<PartResult> {
  const missing = missingTool();
  if (missing !== undefined) return { name, state: "skipped", summary: missing };
  prepare();
  const { summary, differences } = await ask();
  return verdict(name, summary, differences);
}
