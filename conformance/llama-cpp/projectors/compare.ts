import { inspectModel } from "../../../src/inspect.ts";
import type { Model } from "../../../src/model/model.ts";
import type { Device } from "../../../src/runtimes/device.ts";
import type { MemoryItem } from "../../../src/runtimes/estimate.ts";
import { estimateMemory } from "../../../src/runtimes/estimate-memory.ts";
import { holeyFile } from "../../holey-file.ts";
import type { ArchitectureVerdict } from "../architectures/compare.ts";
import { PROJECTOR_CASES } from "./cases.ts";
import type { ProjectorAnswer, ProjectorSetting } from "./engine.ts";

/** What the engine said of one file with one setting. */
export type ProjectorRow = {
  readonly name: string;
  readonly setting: ProjectorSetting;
  readonly answer: ProjectorAnswer;
};

/** Holds the weights of each encoder against the engine's buffers, and what it reserved against the bounds. */
export async function compareProjector(model: Model, row: ProjectorRow): Promise<ArchitectureVerdict> {
  const { name, answer, setting } = row;
  const asked = `${name} ${JSON.stringify(setting)}`;
  const projector = PROJECTOR_CASES.find((candidate) => candidate.name === name);
  if (projector === undefined) return { exact: 0, differences: [`${asked}: there is no such case`] };
  if ("refused" in answer)
    return { exact: 0, differences: [`${asked}: llama.cpp refuses it: ${String(answer.refused)}`] };
  const items = projectorItems(model, await inspectModel(holeyFile(projector.file)), setting);
  let exact = 0;
  const differences: string[] = [];
  for (const [modality, encoder] of Object.entries(answer)) {
    const own = items.filter(({ label }) => label.includes(`, ${modality}`));
    const [weights] = own.filter(({ component }) => component === "weights");
    if (weights?.bytes === encoder.weightBytes && weights.device === encoder.device) exact += 1;
    else {
      differences.push(
        `${asked}, ${modality}: ${weights?.device} ${weights?.bytes}, llama.cpp ${encoder.device} ${encoder.weightBytes}`,
      );
    }
    for (const [device, bytes] of Object.entries(encoder.computeBytes)) {
      const buffer = own.find((item) => item.component === "compute" && item.device === device);
      if ((buffer?.low ?? 0) <= bytes && bytes <= (buffer?.high ?? 0)) continue;
      differences.push(`${asked}, ${modality} on ${device}: ${buffer?.low} to ${buffer?.high}, llama.cpp ${bytes}`);
    }
  }
  return { exact, differences };
}

function projectorItems(model: Model, projector: Model, setting: ProjectorSetting): readonly MemoryItem[] {
  const { device, ...options } = setting;
  const devices: Device[] = device === "cpu" ? [] : [{ name: "GPU0", kind: device }];
  const estimate = estimateMemory(model, {
    runtime: "llama.cpp",
    ...(devices.length === 0 ? {} : { devices }),
    ...options,
    projector,
  });
  return estimate.items.filter(({ label }) => label.startsWith("projector "));
}
