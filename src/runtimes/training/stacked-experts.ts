import type { ModelTensor } from "../../model/model.ts";

/** A parameter in memory: what of a tensor of the file matters here. */
export type Parameter = Pick<ModelTensor, "name" | "shape" | "component">;

const EXPERT = /^(.*\.experts)\.\d+\.([\w.]+)$/;

/** Matrices of one expert that are one in memory: the gate and what it gates. */
const GATES: ReadonlyMap<string, string> = new Map([
  ["gate_proj.weight", "gate_up_proj"],
  ["up_proj.weight", "gate_up_proj"],
  ["w1.weight", "gate_up_proj"],
  ["w3.weight", "gate_up_proj"],
]);

/**
 * Parameters as they are in memory: the experts of a layer, which files hold one by one, are stacked in one tensor on
 * loading, the gate on what it gates (`transformers/conversion_mapping.py`, MergeModulelist and Concatenate).
 */
export function stackExperts(tensors: readonly Parameter[]): readonly Parameter[] {
  const others: Parameter[] = [];
  const stacks = new Map<string, Parameter[]>();
  for (const tensor of tensors) {
    const [, module, part = ""] = EXPERT.exec(tensor.name) ?? [];
    if (module === undefined || tensor.shape.length !== 2) {
      others.push(tensor);
      continue;
    }
    const name = `${module}.${GATES.get(part) ?? part}`;
    const stack = stacks.get(name);
    if (stack) stack.push(tensor);
    else stacks.set(name, [tensor]);
  }
  return [...others, ...[...stacks].map(([name, stack]) => stacked(name, stack))];
}

/** Rows of the gate and of what it gates lie under each other in the matrix of one expert. */
function stacked(name: string, stack: readonly Parameter[]): Parameter {
  const [first] = stack;
  const [rows = 1, columns = 1] = first?.shape ?? [];
  const fused = name.endsWith(".gate_up_proj") ? 2 : 1;
  return { name, component: "experts", shape: [stack.length / fused, fused * rows, columns] };
}
