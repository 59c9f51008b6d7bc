import type { OptionRule } from "../options.ts";
import { refuse } from "../refuse.ts";
import type { LlamaCppSettings } from "./settings.ts";

export const TENSOR_OVERRIDE: OptionRule = {
  wants: "{ pattern, device }, the pattern a regular expression",
  accepts: (value) => {
    if (typeof value !== "object" || value === null) return false;
    const { pattern, device } = value as { pattern?: unknown; device?: unknown };
    return typeof pattern === "string" && typeof device === "string" && isRegExp(pattern);
  },
};

function isRegExp(pattern: string): boolean {
  try {
    new RegExp(pattern);
    return true;
  } catch {
    return false;
  }
}

/** Refuses devices and splits that llama.cpp has no way to use, or whose shares nothing tells. */
export function refuseDevices(settings: LlamaCppSettings): void {
  const { devices, splitMode, mainGpu, tensorSplit, overrideTensors } = settings;
  const hosts = devices.filter(({ kind }) => kind === "cpu");
  const gpus = devices.filter(({ kind }) => kind !== "cpu");
  const names = (list: readonly { readonly name: string }[]): string => list.map(({ name }) => name).join(", ");
  if (hosts.length > 1) refuse("devices", `there is one CPU in a machine, got ${names(hosts)}`);
  if (splitMode === "row") {
    refuse(
      "splitMode",
      "llama.cpp 0.5.0 splits rows on SYCL devices only and refuses to on CUDA and Metal: use layer or none",
    );
  }
  if (splitMode === "tensor" && (gpus.length === 0 || settings.flashAttention === "off")) {
    refuse("splitMode", "llama.cpp splits tensors among GPUs alone, and only with flash attention");
  }
  if (splitMode === "none" && gpus.length > 0 && mainGpu >= gpus.length) {
    refuse("mainGpu", `mainGpu ${mainGpu} is not one of the ${gpus.length} GPUs, which are counted from 0`);
  }
  if (tensorSplit.length > Math.max(gpus.length, 1)) {
    refuse("tensorSplit", `tensorSplit has ${tensorSplit.length} shares for ${gpus.length} GPUs`);
  }
  const shares = tensorSplit.some((share) => share > 0);
  const silent = gpus.filter(({ memoryBytes }) => memoryBytes === undefined);
  if (splitMode !== "none" && !shares && silent.length > 0 && silent.length < gpus.length) {
    refuse(
      "devices",
      `llama.cpp shares layers by memory, and that of ${names(silent)} is not given: give it, or tensorSplit`,
    );
  }
  const known = new Set(["CPU", ...devices.map(({ name }) => name)]);
  const unused = new Set(
    splitMode === "none" ? gpus.filter((_, index) => index !== mainGpu).map(({ name }) => name) : [],
  );
  const idle = overrideTensors.find(({ device }) => unused.has(device));
  if (idle !== undefined) {
    refuse("overrideTensors", `${idle.device} is not used with splitMode none: llama.cpp breaks off on tensors there`);
  }
  const strange = overrideTensors.find(({ device }) => !known.has(device));
  if (strange !== undefined) {
    refuse(
      "overrideTensors",
      `no device is named ${JSON.stringify(strange.device)}; there are: ${[...known].join(", ")}`,
    );
  }
}
