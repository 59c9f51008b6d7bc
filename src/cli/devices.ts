import type { Device } from "../runtimes/device.ts";
import type { LlamaCppWorkload } from "../runtimes/llama-cpp/workload.ts";
import { gpuName, type NamedGpu, namedGpu } from "./device-names.ts";
import { UsageError } from "./usage-error.ts";

type Devices = { readonly devices: readonly Device[] | undefined; readonly notes: readonly string[] };

/** The devices to weigh for: those given, of them those that a pasted `--device` names; else those that options imply. */
export function devicesOf(
  given: readonly Device[] | undefined,
  names: readonly string[] | undefined,
  workload: Omit<LlamaCppWorkload, "runtime">,
): Devices {
  if (names !== undefined) return { devices: selected(given ?? [], names), notes: [] };
  if (given === undefined) return implied(workload);
  const idle = isAboutGpus(workload) && given.every(({ kind }) => kind === "cpu");
  return { devices: given, notes: idle ? ["no GPU among the devices: what is said of GPUs changes nothing"] : [] };
}

/** Those that llama.cpp's `--device` names. Without any given, they exist and their memory is not known. */
function selected(given: readonly Device[], names: readonly string[]): readonly Device[] | undefined {
  const hosts = given.filter(({ kind }) => kind === "cpu");
  const gpus = given.filter(({ kind }) => kind !== "cpu");
  const chosen = names.map((name): Device => {
    const named = namedGpu(name);
    if (named === undefined) {
      throw new UsageError(`--device ${name} is none that can be weighed for: CUDA0, ROCm0, MTL0, ..., or none`);
    }
    if (gpus.length === 0) return { name: gpuName(named.index), kind: named.kind };
    const gpu = gpus[named.index];
    if (gpu !== undefined) return gpu;
    throw new UsageError(
      `--device ${name} is not among the GPUs that are given: ${gpus.map((each) => each.name).join(", ")}`,
    );
  });
  const devices = [...new Map([...chosen, ...hosts].map((device) => [device.name, device])).values()];
  return devices.length === 0 ? undefined : devices;
}

/** True where an option would change nothing without a GPU. */
function isAboutGpus(workload: Omit<LlamaCppWorkload, "runtime">): boolean {
  const { gpuLayers, splitMode, mainGpu, tensorSplit, overrideTensors, offloadCache, operatorOffload } = workload;
  const { cpuMoeLayers, cpuFeedForwardLayers } = workload;
  if (gpuLayers !== undefined) return gpuLayers !== 0;
  const options = [splitMode, mainGpu, tensorSplit, overrideTensors, offloadCache, operatorOffload];
  return [...options, cpuMoeLayers, cpuFeedForwardLayers].some((option) => option !== undefined);
}

/** As many CUDA devices as the options need. */
function implied(workload: Omit<LlamaCppWorkload, "runtime">): Devices {
  if (!isAboutGpus(workload)) return { devices: undefined, notes: [] };
  const { tensorSplit = [], mainGpu = 0, overrideTensors = [] } = workload;
  const overridden = overrideTensors.flatMap(({ device }): NamedGpu | NamedGpu[] => namedGpu(device) ?? []);
  const count = Math.max(1, tensorSplit.length, mainGpu + 1, ...overridden.map(({ index }) => index + 1));
  const devices = Array.from({ length: count }, (_, index): Device => ({ name: gpuName(index), kind: "cuda" }));
  const which = count === 1 ? "one CUDA GPU" : `${count} CUDA GPUs`;
  return { devices, notes: [`no device is given: laid out on ${which} of unknown size; --device 24GiB tells it`] };
}
