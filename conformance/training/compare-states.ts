import type { Model } from "../../src/model/model.ts";
import { resolveSettings } from "../../src/runtimes/training/settings.ts";
import { bytesOf, elementsOf, stateBytes } from "../../src/runtimes/training/states.ts";
import { parametersOf, trainedTensors } from "../../src/runtimes/training/trained.ts";
import { baseWeightBytes } from "../../src/runtimes/training/weight-bytes.ts";
import type { TrainingWorkload } from "../../src/runtimes/training/workload.ts";
import type { OptimizerName, StateRow } from "./golden.ts";

/** `LORA_TARGETS` of `ask_states.py`; none given is peft's own choice. */
const LORA_TARGETS: ReadonlyMap<string, TrainingWorkload["loraTargets"]> = new Map<
  string,
  TrainingWorkload["loraTargets"]
>([
  ["default", undefined],
  ["all-linear", "all-linear"],
  ["attention", ["q_proj", "k_proj", "v_proj", "o_proj"]],
  ["named", ["query_key_value", "dense", "up_proj", "down_proj", "fc1"]],
]);

/** Differences, one a line; null where there was nothing to compare with. */
export type Comparison = (model: Model, row: StateRow) => readonly string[] | null;

/** Where gradients and optimizer states differ from what PyTorch held for one model_type; empty when nowhere. */
export function compareFull(model: Model, row: StateRow): string[] {
  const differences: string[] = [];
  for (const precision of ["float32", "bfloat16"] as const) {
    const theirs = row.full[precision];
    const trained = trainedTensors(model, resolveSettings(model, { runtime: "training", precision, contextTokens: 8 }));
    const parameters = parametersOf(model).reduce((sum, tensor) => sum + tensor.parameters, 0);
    hold(differences, `${precision} parameters`, parameters * (precision === "float32" ? 4 : 2), theirs.parameters);
    hold(differences, `${precision} gradients`, bytesOf(trained), theirs.gradients);
    for (const [optimizer, bytes] of Object.entries(theirs.optimizers) as [OptimizerName, number][]) {
      hold(differences, `${precision} ${optimizer}`, stateBytes(trained, optimizer), bytes);
    }
  }
  return differences;
}

/** Where adapters differ from those peft made; empty when nowhere. */
export function compareLora(model: Model, row: StateRow): string[] {
  const differences: string[] = [];
  for (const [name, theirs] of Object.entries(row.lora)) {
    const loraTargets = LORA_TARGETS.get(name);
    const given = loraTargets === undefined ? {} : { loraTargets };
    const workload = { runtime: "training", method: "lora", loraRank: 4, contextTokens: 8, ...given } as const;
    if ("refused" in theirs) continue;
    const trained = trainedTensors(model, resolveSettings(model, workload));
    const parameters = trained.reduce((sum, tensor) => sum + elementsOf(tensor), 0);
    hold(differences, `lora ${name} parameters`, parameters, theirs.parameters);
    hold(differences, `lora ${name} tensors`, trained.length, theirs.tensors);
    hold(differences, `lora ${name} bytes`, bytesOf(trained), theirs.bytes);
  }
  return differences;
}

/** Where weights packed in NF4 differ from those bitsandbytes made; null where it refused. */
export function compareNf4(model: Model, { nf4 }: StateRow): string[] | null {
  if ("refused" in nf4) return null;
  const differences: string[] = [];
  for (const doubleQuantization of [false, true]) {
    const workload = { runtime: "training", method: "qlora", contextTokens: 8, doubleQuantization } as const;
    const ours = baseWeightBytes(model, resolveSettings(model, workload));
    const theirs = doubleQuantization ? nf4.double : nf4.plain;
    hold(differences, doubleQuantization ? "NF4, scales packed" : "NF4", ours, theirs);
  }
  return differences;
}

function hold(differences: string[], what: string, ours: number, theirs: number): void {
  if (ours !== theirs) differences.push(`${what}: ${ours}, PyTorch ${theirs}`);
}
