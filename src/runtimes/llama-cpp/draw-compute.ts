import type { DrawCompute, DrawnSubject } from "./compute-graph.ts";
import { CannotDraw } from "./graph/cannot-draw.ts";
import { type GraphSubject, graphSubject } from "./graph/context.ts";
import { GRAPH_BUILDERS } from "./graph/registry.ts";
import { reserveCompute } from "./reserve.ts";

/** Draws the graph of a model and plans it. */
export const drawCompute: DrawCompute = (subject) => {
  const builder = GRAPH_BUILDERS.get(subject.model.architecture ?? "");
  if (builder === undefined) return undefined;
  try {
    return reserveCompute(prepared(subject), builder);
  } catch (error) {
    if (error instanceof CannotDraw) return undefined;
    throw error;
  }
};

function prepared({ target, ...subject }: DrawnSubject): GraphSubject {
  return graphSubject({ ...subject, ...(target && { target: prepared(target) }) });
}
