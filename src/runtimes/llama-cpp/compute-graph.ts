import type { Model } from "../../model/model.ts";
import { CannotDraw } from "./graph/cannot-draw.ts";
import type { GraphSubject } from "./graph/context.ts";
import { GRAPH_FAMILIES } from "./graph/registry.ts";
import type { ReservedBytes } from "./reserve.ts";

/** A model in a context, of which a graph is drawn. */
type Subject = Omit<GraphSubject, "tensors" | "hp" | "target"> & { readonly target?: Subject };

/** Draws and plans the graphs of one architecture. */
type Drawing = (subject: Subject) => ReservedBytes;

const loaded = new Map<string, Drawing>();

/**
 * Loads what draws the compute graph of a GGUF model in llama.cpp. `inspectModel` does so itself; a model that comes from
 * elsewhere, such as JSON, is to be prepared by this before `estimateMemory`, whose compute buffers are estimates otherwise.
 * The families of architectures are in files of their own, so that a program reads those of the models it weighs. Nothing
 * happens for other formats, and for architectures that are loaded or have no graph here.
 *
 * @example
 * ```ts
 * import { estimateMemory, inspectModel, loadComputeGraph, type Model } from "weighin";
 *
 * const model: Model = JSON.parse(JSON.stringify(await inspectModel("fixtures/files/demo.gguf")));
 * await loadComputeGraph(model);
 * console.log(estimateMemory(model, { runtime: "llama.cpp" }).totals.compute);
 * ```
 */
export async function loadComputeGraph({
  architecture,
  format,
}: Pick<Model, "architecture" | "format">): Promise<void> {
  if (format !== "gguf" || architecture === null || loaded.has(architecture)) return;
  const load = GRAPH_FAMILIES.get(architecture);
  if (load === undefined) return;
  const [{ reserveCompute }, { graphSubject }, builders] = await Promise.all([
    import("./reserve.ts"),
    import("./graph/context.ts"),
    load(),
  ]);
  for (const [name, builder] of Object.entries(builders)) {
    loaded.set(name, ({ target, ...subject }) => {
      const beside = target && { target: graphSubject(withoutTarget(target)) };
      return reserveCompute(graphSubject({ ...subject, ...beside }), builder);
    });
  }
}

/** True where a graph could be drawn, had {@link loadComputeGraph} been called. */
export function awaitsGraph(architecture: string | null): boolean {
  return architecture !== null && !loaded.has(architecture) && GRAPH_FAMILIES.has(architecture);
}

/**
 * Scratch memory of each device, by the graph of the model's architecture; undefined where it is not loaded, or the file
 * lacks what it reads.
 */
export function drawnCompute(subject: Subject): ReservedBytes | undefined {
  const drawing = loaded.get(subject.model.architecture ?? "");
  if (drawing === undefined) return undefined;
  try {
    return drawing(subject);
  } catch (error) {
    if (error instanceof CannotDraw) return undefined;
    throw error;
  }
}

/** A target drafts for nobody. */
function withoutTarget({ target: _, ...subject }: Subject): Omit<Subject, "target"> {
  return subject;
}
