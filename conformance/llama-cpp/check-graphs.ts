import { type PartResult, verdict } from "../part.ts";
import { askPart } from "./ask-part.ts";
import { changedRows } from "./changed-rows.ts";
import { comparedGraphs } from "./compared.ts";
import { prepareSavedModels } from "./engine.ts";
import { askGraphs } from "./graphs/ask.ts";
import { readGraphs } from "./graphs/golden.ts";
import { type GraphModel, titleOf } from "./graphs/models.ts";
import { COMPUTE_WORKLOADS } from "./graphs/workloads.ts";

/** Holds the graphs that weighin draws against the engine's, and the compute buffers by setting and device. */
export async function checkGraphs(): Promise<PartResult> {
  const graphs = new Group("node lists");
  const groups = COMPUTE_WORKLOADS.map(({ setting, device }) => new Group(`${setting}, ${device}`));
  for (const { row, verdict } of await comparedGraphs()) {
    for (const difference of verdict.graphs) graphs.count(row.model, difference);
    verdict.compute.forEach((difference, index) => void groups[index]?.count(row.model, difference));
  }
  const all = [graphs, ...groups];
  return verdict(
    "weighin against llama.cpp: graphs and compute buffers of every architecture",
    all.map(String).join("; "),
    all.flatMap(({ differences }) => differences),
  );
}

class Group {
  readonly differences: string[] = [];
  private readonly name: string;
  private exact = 0;
  private readonly architectures = new Set<string>();

  constructor(name: string) {
    this.name = name;
  }

  count(model: GraphModel, difference: string | undefined): void {
    if (difference === undefined) return;
    if (difference !== "") return void this.differences.push(`${titleOf(model)} ${difference}`);
    this.exact += 1;
    this.architectures.add(model.row.architecture);
  }

  toString(): string {
    const asked = this.exact + this.differences.length;
    return `${this.name} ${this.exact}/${asked} exact, of ${this.architectures.size} architectures`;
  }
}

/** Asks again for every graph and compute buffer. */
export function checkGraphNumbers(): Promise<PartResult> {
  return askPart("llama.cpp gives the golden numbers of graphs and compute buffers", prepareSavedModels, () => {
    const { rows } = readGraphs();
    return { summary: `${rows.length} models`, differences: changedRows(rows, askGraphs()) };
  });
}
