import type { DrawCompute, DrawnSubject } from "./compute-graph.ts";
import { CannotDraw } from "./graph/cannot-draw.ts";
import { type GraphSubject, graphSubject } from "./graph/context.ts";
import { GRAPH_BUILDERS } from "./graph/registry.ts";
import { reserveCompute } from "./reserve.ts";

/** Draws the graph of a model and plans it; not where a layer is not known to attend in a certain way. */
export const drawCompute: DrawCompute = (subject) => {
  const { architecture, layers } = subject.model;
  const builder = GRAPH_BUILDERS.get(architecture ?? "");
  if (builder === undefined || layers.some(({ mixer }) => mixer.kind === "unknown")) return undefined;
  try {
    return reserveCompute(prepared(subject), builder);
  } catch (error) {
    // A list as long as a file claims, or calls as deep, is none.
    if (error instanceof CannotDraw || error instanceof RangeError) return undefined;
    throw error;
  }
};

function prepared({ target, ...subject }: DrawnSubject): GraphSubject {
  return graphSubject({ ...subject, ...(target && { target: prepared(target) }) });
}
