import { createHash } from "node:crypto";

/** A graph in few words: how many leafs and nodes, and a hash of each block, with how often it follows itself. */
export type HashedGraph = readonly [leafs: number, nodes: number, blocks: string];

/** Digits of a hash: of a few hundred different blocks hardly two have the same. */
const DIGITS = 8;

/** Cells of one written line (`written.ts`). */
type Line = {
  readonly facts: string;
  readonly view: string;
  readonly sources: readonly string[];
  readonly weight: string;
};

/**
 * Hashes a written graph block by block. A block begins with the first node that reads a weight of the next layer. Nodes of
 * a block are counted from its start and weights are named without their layer, so that layers that are alike have one hash.
 */
export function hashedGraph(lines: readonly string[]): HashedGraph {
  const byId = new Map(lines.map((line) => [idOf(line), parsed(line)]));
  const nodes = lines.filter((line) => line.startsWith("N")).map(idOf);
  const blocks: string[][] = [[]];
  let current = "";
  for (const id of nodes) {
    const layer =
      byId
        .get(id)
        ?.sources.map((source) => layerOf(byId.get(source)?.weight ?? ""))
        .find((each) => each !== "") ?? "";
    if (layer !== "" && layer !== current) {
      current = layer;
      blocks.push([]);
    }
    blocks.at(-1)?.push(id);
  }
  const hashes = blocks.filter(({ length }) => length > 0).map((block) => hashOf(block, byId));
  return [lines.length - nodes.length, nodes.length, folded(hashes)];
}

function idOf(line: string): string {
  return line.slice(0, line.indexOf("\t"));
}

function parsed(line: string): Line {
  const [, operation, type, ne, nb, flags, view = "", sources = "", weight = ""] = line.split("\t");
  const facts = [operation, type, ne, nb, flags].join(" ");
  return { facts, view, sources: sources === "" ? [] : sources.split(","), weight };
}

/** The layer of a weight's name. */
function layerOf(weight: string): string {
  return /^(?:\w+\.)?blk\.\d+/.exec(weight)?.[0] ?? "";
}

function hashOf(block: readonly string[], byId: ReadonlyMap<string, Line>): string {
  const start = Number(block[0]?.slice(1));
  const named = (id: string): string => {
    if (id.startsWith("N")) return `n${Number(id.slice(1)) - start}`;
    const leaf = byId.get(id);
    if (leaf === undefined) return id;
    return leaf.weight === "" ? `(${leaf.facts})` : `${leaf.weight.replace(/\.\d+\./, ".#.")}(${leaf.facts})`;
  };
  const text = block.map((id) => {
    const { facts = "", view = "", sources = [] } = byId.get(id) ?? {};
    return [facts, view === "" ? "" : named(view), sources.map(named).join()].join("\t");
  });
  return createHash("sha256").update(text.join("\n")).digest("hex").slice(0, DIGITS);
}

/** `a a a b` as `a*3 b`. */
function folded(hashes: readonly string[]): string {
  const runs: [hash: string, count: number][] = [];
  for (const hash of hashes) {
    const last = runs.at(-1);
    if (last?.[0] === hash) last[1] += 1;
    else runs.push([hash, 1]);
  }
  return runs.map(([hash, count]) => (count === 1 ? hash : `${hash}*${count}`)).join(" ");
}
