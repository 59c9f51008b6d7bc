import { tokenEmbeddings } from "../blocks/embedding.ts";
import { head } from "../blocks/head.ts";
import { layers, putOut } from "../blocks/layers.ts";
import { normOf } from "../blocks/norm.ts";
import { stateRows } from "../blocks/recurrent-state.ts";
import { mamba1, mamba2, type Scan } from "../blocks/scan.ts";
import type { GraphBuilder } from "../context.ts";
import { add } from "../ops/elementwise.ts";

/** Scans alone, without attention or feed-forward (`src/models/mamba.cpp`, `mamba2.cpp`). */
function scans(mixer: Scan): GraphBuilder {
  return (g) => {
    const embeddings = tokenEmbeddings(g);
    const rows = stateRows(g);
    const x = layers(g, embeddings, (x, block) => {
      const y = mixer(g, rows, block, normOf(g, block, "attn_norm", x));
      return add(putOut(g, block, y), putOut(g, block, x));
    });
    return head(g, x);
  };
}

export const MAMBA: Readonly<Record<string, GraphBuilder>> = { mamba: scans(mamba1), mamba2: scans(mamba2) };
