import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { GgufTensor } from "../../../fixtures/write-gguf.ts";
import { inspectModel } from "../../../src/inspect.ts";
import { writeHoleyFile } from "../../holey-file.ts";
import { ARCHITECTURE_CASES } from "../architectures/cases.ts";
import type { ArchitectureCase } from "../architectures/groups.ts";
import { ggufOfKeys, writeKeys } from "../architectures/keys.ts";
import { WRITTEN_TENSORS } from "../architectures/tensors.ts";
import { askDevices, madeUpTensors, SAVED_MODELS, WORK } from "../engine.ts";
import { readArchitectures } from "../golden.ts";
import { byDevice, isAnswer } from "../placed.ts";
import { PLACEMENT_GRID, PLACEMENTS, placedFlags } from "../placements.ts";
import { engineFlags } from "../workloads.ts";
import type { WholeModelRow } from "./golden.ts";
import { GRID_MODELS } from "./grid-models.ts";
import { KEYS_ALONE } from "./keys-alone.ts";
import { foldTensors, likeAFile } from "./tensors.ts";
import { tiedVariants } from "./tied.ts";
import { WHOLE_WORKLOADS } from "./workloads.ts";

/** The file that is asked about. */
export const MODEL: string = join(WORK, "whole.gguf");
const OTHER = join(WORK, `whole-other-${process.pid}.gguf`);

/** Asks about every set of keys with its tensors, tied where its family ties, and about every saved model. */
export async function askWholeModels(): Promise<WholeModelRow[]> {
  const made = ARCHITECTURE_CASES.flatMap((asked) => {
    const tensors = tensorsOf(asked);
    if (KEYS_ALONE.has(`${asked.architecture} ${asked.title}`)) return [];
    if (tensors === undefined) throw new Error(`${asked.architecture} ${asked.title}: no tensors`);
    return tiedVariants(asked, tensors).map(({ tied, tensors: own }) => askMade(asked, own, tied));
  });
  const saved: WholeModelRow[] = [];
  for (const { architecture, title } of readArchitectures("saved-models").rows) {
    const path = join(SAVED_MODELS, `${architecture}-${title}.gguf`);
    const { tensors } = await inspectModel(path);
    const list = tensors.map(({ name, dtype, shape }) => ({ name, type: dtype, shape }) as GgufTensor);
    saved.push({ keys: "saved-models", architecture, title, ...askFile(path, list, []) });
  }
  const rows = [...made, ...saved];
  for (const { architecture, title, answers } of rows) {
    if (!answers.some((answer) => Array.isArray(answer))) throw new Error(`${architecture} ${title}: ${answers[0]}`);
  }
  return rows;
}

/** The tensors of a file of these keys; undefined where the engine cannot make them up. */
export function tensorsOf({ architecture, keys, draftsFor }: ArchitectureCase): GgufTensor[] | undefined {
  const written = WRITTEN_TENSORS.get(architecture);
  if (written !== undefined) return [...written];
  writeFileSync(MODEL, writeKeys(architecture, keys));
  const tensors = madeUpTensors(MODEL, besides(draftsFor));
  return tensors && likeAFile({ architecture, keys }, tensors);
}

function askMade(asked: ArchitectureCase, tensors: readonly GgufTensor[], tied: boolean): WholeModelRow {
  const { architecture, title, keys, draftsFor } = asked;
  writeHoleyFile(MODEL, ggufOfKeys(architecture, keys, tensors));
  const row = { keys: "architectures" as const, architecture, title, ...(tied ? { tied: true as const } : {}) };
  const grid = GRID_MODELS.has(`${architecture} ${title}${tied ? " tied" : ""}`);
  return { ...row, ...askFile(MODEL, tensors, besides(draftsFor), grid) };
}

/** The model that a draft is for, whose tensors the engine makes up. */
export function besides(draftsFor: string | undefined): readonly string[] {
  const target = ARCHITECTURE_CASES.find(({ architecture }) => architecture === draftsFor);
  if (target === undefined) return [];
  writeFileSync(OTHER, writeKeys(target.architecture, target.keys));
  return ["--other", OTHER];
}

type Answers = Pick<WholeModelRow, "tensors" | "weightBytes" | "answers" | "placed" | "grid">;

function askFile(path: string, tensors: readonly GgufTensor[], flags: readonly string[], inGrid = false): Answers {
  const answers = WHOLE_WORKLOADS.map((workload) => askDevices(path, [...flags, ...engineFlags(workload)]));
  const weights = new Set(answers.flatMap((answer) => (isAnswer(answer) ? [answer.devices[0]?.[0] ?? 0] : [])));
  if (weights.size > 1) throw new Error(`${path}: weights differ between workloads: ${[...weights].join(", ")}`);
  const placed = (list: typeof PLACEMENTS) =>
    list.map((workload) => byDevice(askDevices(path, [...flags, ...placedFlags(workload)])));
  return {
    tensors: foldTensors(tensors),
    weightBytes: [...weights][0] ?? 0,
    answers: answers.map((answer) =>
      isAnswer(answer)
        ? [answer.devices[0]?.[1] ?? 0, answer.outputBytes, answer.workBytes, answer.devices[0]?.[2] ?? 0]
        : (answer?.refused ?? null),
    ),
    placed: placed(PLACEMENTS),
    ...(inGrid ? { grid: placed(PLACEMENT_GRID) } : {}),
  };
}
