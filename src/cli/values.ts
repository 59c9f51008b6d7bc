import { InvalidArgumentError } from "commander";
import type { Device } from "../runtimes/device.ts";
import { gpuName } from "./device-names.ts";

const TOKEN_FACTORS: ReadonlyMap<string, number> = new Map([
  ["", 1],
  ["k", 1024],
  ["m", 1024 ** 2],
]);

/** No entry without a unit: `--device 24` is hardly 24 bytes. */
const BYTE_FACTORS: ReadonlyMap<string, number> = new Map([
  ["b", 1],
  ["k", 1024],
  ["kib", 1024],
  ["kb", 1000],
  ["m", 1024 ** 2],
  ["mib", 1024 ** 2],
  ["mb", 1000 ** 2],
  ["g", 1024 ** 3],
  ["gib", 1024 ** 3],
  ["gb", 1000 ** 3],
  ["t", 1024 ** 4],
  ["tib", 1024 ** 4],
  ["tb", 1000 ** 4],
]);

const DURATION_FACTORS: ReadonlyMap<string, number> = new Map([
  ["", 1000],
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
]);

/** Timers count milliseconds in 31 bits; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

const QUANTITY = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i;

/** A number with a unit of the table, in the smallest one; undefined for anything else. */
function quantity(text: string, factors: ReadonlyMap<string, number>): number | undefined {
  const [, digits, unit] = QUANTITY.exec(text.trim()) ?? [];
  const factor = factors.get((unit ?? "").toLowerCase());
  if (digits === undefined || factor === undefined) return undefined;
  const value = Number(digits) * factor;
  return value <= Number.MAX_SAFE_INTEGER ? value : undefined;
}

/** `8192`, `8k`, `1M`: tokens, k = 1024. `0` means the trained context, as llama.cpp has it. */
export function parseTokens(text: string): number {
  const tokens = quantity(text, TOKEN_FACTORS);
  if (tokens === undefined || !Number.isInteger(tokens))
    throw new InvalidArgumentError("Write tokens as 8192, 32k or 1M (k = 1024); 0 is the trained context.");
  return tokens;
}

/** `12GiB`, `12000000000b`: bytes, with a unit. */
export function parseBytes(text: string): number {
  const bytes = Math.floor(quantity(text, BYTE_FACTORS) ?? 0);
  if (bytes === 0) throw new InvalidArgumentError("Write bytes with a unit: 12GiB, 500MiB or 12GB.");
  return bytes;
}

/** `0.9`: a share above 0, at most 1. */
export function parseFraction(text: string): number {
  const share = /^\d*\.?\d+$/.test(text) ? Number(text) : 0;
  if (share <= 0 || share > 1) throw new InvalidArgumentError("Write a share above 0, at most 1: 0.9.");
  return share;
}

/** A whole number above 0. */
export function parseCount(text: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : 0;
  if (count === 0 || !Number.isSafeInteger(count)) throw new InvalidArgumentError("Write a whole number above 0.");
  return count;
}

/** `30`, `30s`, `500ms`, `2m`: milliseconds. */
export function parseDuration(text: string): number {
  const milliseconds = quantity(text, DURATION_FACTORS);
  if (
    milliseconds === undefined ||
    !Number.isInteger(milliseconds) ||
    milliseconds === 0 ||
    milliseconds > MAX_TIMER_MS
  ) {
    throw new InvalidArgumentError("Write seconds as 30 or 30s, or 500ms or 2m; at most 24 days.");
  }
  return milliseconds;
}

/** A parser that accepts the given words in any case. */
export function parseWord<const Word extends string>(words: readonly Word[]): (text: string) => Word {
  return (text) => {
    const found = words.find((word) => word === text.toLowerCase());
    if (found === undefined) throw new InvalidArgumentError(`Choose from: ${words.join(", ")}.`);
    return found;
  };
}

const SWITCHES: ReadonlyMap<string, "on" | "off" | "auto"> = new Map([
  ...["on", "enabled", "true", "1"].map((word) => [word, "on"] as const),
  ...["off", "disabled", "false", "0"].map((word) => [word, "off"] as const),
  ...["auto", "-1"].map((word) => [word, "auto"] as const),
]);

/** llama.cpp's words for on, off and auto (`common_arg_utils`). */
export function parseFlashAttention(text: string): "on" | "off" | "auto" {
  const found = SWITCHES.get(text.toLowerCase());
  if (found === undefined) throw new InvalidArgumentError("Choose from: on, off, auto.");
  return found;
}

/** `20`, `all`, or `auto`, which is all that there are; below 0 as llama.cpp has it. */
export function parseLayers(text: string): number | "all" {
  if (text === "all" || text === "auto" || /^-\d+$/.test(text)) return "all";
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("Write a number of layers, all or auto.");
  return Number(text);
}

/** A whole number, also 0. */
export function parseIndex(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("Write a whole number: 0, 1, 2, ...");
  return Number(text);
}

/** `3,1` or `3/1`: a share for each GPU. Zeros at the end are those of GPUs that are not there. */
export function parseShares(text: string): readonly number[] {
  const words = text.split(/[,/]+/);
  const shares = words.map((word) => (word.trim() === "" ? Number.NaN : Number(word)));
  if (!shares.every((share) => Number.isFinite(share) && share >= 0))
    throw new InvalidArgumentError("Write a share for each GPU: 3,1.");
  return shares.slice(0, shares.findLastIndex((share) => share > 0) + 1);
}

const DEVICE_KINDS = ["cuda", "metal", "cpu"] as const;
const DEVICE_FORMS =
  "Write 24GiB (a CUDA device), cuda:24GiB, metal:16GiB or cpu:32GiB; 24GB is decimal, 24G is 24GiB.";

/** `24GiB`, `metal:16GiB`, `cpu:32GiB`, `cuda`; the device is named after those already given. */
export function parseDevice(text: string, earlier: readonly Device[] = []): readonly Device[] {
  const [kindWord, memory, ...more] = /^\d/.test(text) ? ["cuda", text] : text.split(":");
  const kind = DEVICE_KINDS.find((candidate) => candidate === kindWord?.toLowerCase());
  const memoryBytes = memory === undefined ? undefined : Math.floor(quantity(memory, BYTE_FACTORS) ?? 0);
  if (kind === undefined || more.length > 0 || memoryBytes === 0) {
    throw new InvalidArgumentError(DEVICE_FORMS);
  }
  return [...earlier, { name: deviceName(kind, earlier), kind, ...(memoryBytes === undefined ? {} : { memoryBytes }) }];
}

function deviceName(kind: Device["kind"], earlier: readonly Device[]): string {
  const alike = earlier.filter((device) => (device.kind === "cpu") === (kind === "cpu")).length;
  if (kind === "cpu") return alike === 0 ? "CPU" : `CPU${alike}`;
  return gpuName(alike);
}
