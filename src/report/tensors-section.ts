import { printable } from "../bytes/printable.ts";
import type { Model } from "../model/model.ts";
import type { Style } from "./style.ts";
import { indent, renderTable } from "./table.ts";
import { formatBytes, formatInteger, formatPlural } from "./units.ts";

/** Longer names run over: one hostile name must not widen every row. */
const NAME_COLUMNS = 64;

const TABLE = [
  { align: "left", maxWidth: NAME_COLUMNS },
  { align: "left" },
  { align: "left" },
  { align: "right" },
  { align: "right" },
] as const;

/** Every tensor: name, dtype, shape in the file's own order, bytes, and the parameters it stands for. */
export function tensorsSection(model: Model, style: Style): readonly string[] {
  const header = ["name", "dtype", "shape", "bytes", "parameters"].map((text) => ({ text, paint: style.dim }));
  const rows = model.tensors.map((tensor) => [
    printable(tensor.name),
    printable(tensor.dtype),
    tensor.shape.length === 0 ? "scalar" : tensor.shape.join(" x "),
    formatInteger(tensor.bytes),
    formatInteger(tensor.parameters),
  ]);
  const count = formatPlural(model.tensors.length, "tensor");
  return [
    `${style.bold("Tensors")}${style.dim(`  ${count}, ${formatBytes(model.weights.bytes)}`)}`,
    ...indent(renderTable(TABLE, [header, ...rows])),
  ];
}
