import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { writeHoleyFile } from "../../holey-file.ts";
import { BUILD, CMAKE_OPTIONS, compileProgram, prepareEngine, run, SOURCE, WORK } from "../engine.ts";
import { PROJECTOR_CASES, type ProjectorCase } from "./cases.ts";
import type { ProjectorRow } from "./compare.ts";

const PROGRAM = join(WORK, "ask-projector");

/** Devices and options of one question. */
export type ProjectorSetting = {
  readonly device: "cpu" | "cuda" | "metal";
  readonly projectorOffload?: false;
  readonly flashAttention?: "off";
};

export const PROJECTOR_SETTINGS: readonly ProjectorSetting[] = [
  { device: "cpu" },
  { device: "cuda" },
  { device: "metal" },
  { device: "cuda", projectorOffload: false },
  { device: "cuda", flashAttention: "off" },
];

/** What libmtmd says of one encoder of a file. */
export type EncoderAnswer = {
  readonly device: string;
  readonly weightBytes: number;
  readonly computeBytes: { readonly [device: string]: number };
};

export type ProjectorAnswer = { readonly [modality: string]: EncoderAnswer } | { readonly refused: string };

/** Builds libmtmd beside libllama, and `ask-projector` against both. Minutes once, then seconds. */
export function prepareProjectors(): void {
  prepareEngine();
  if (!existsSync(join(BUILD, "bin/libmtmd.so"))) {
    run("git", ["-C", SOURCE, "sparse-checkout", "add", "tools/mtmd"]);
    run("cmake", ["-S", SOURCE, "-B", BUILD, "-G", "Ninja", ...CMAKE_OPTIONS, "-DLLAMA_BUILD_MTMD=ON"]);
    run("cmake", ["--build", BUILD, "--target", "mtmd", "-j2"]);
  }
  compileProgram("ask-projector.cpp", PROGRAM, {
    includes: ["tools/mtmd", "vendor"],
    libraries: ["-lmtmd", "-lllama"],
  });
}

/** Asks about one file, of which only the header is written: nothing reads its data. */
function askProjector({ file }: ProjectorCase, setting: ProjectorSetting): ProjectorAnswer {
  const path = join(WORK, "projector.gguf");
  writeHoleyFile(path, file);
  const { device, projectorOffload, flashAttention } = setting;
  const flags = [
    ...(device === "cpu" ? [] : ["--gpus", String(2 ** 40), "--gpu-kind", device]),
    ...(projectorOffload === false ? ["--no-offload"] : []),
    ...(flashAttention === undefined ? [] : ["-fa", flashAttention]),
  ];
  return JSON.parse(
    execFileSync(PROGRAM, ["-m", path, ...flags], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }),
  );
}

/** Asks about every case with every setting. */
export function askProjectors(): ProjectorRow[] {
  return PROJECTOR_CASES.flatMap((asked) =>
    PROJECTOR_SETTINGS.map((setting) => ({ name: asked.name, setting, answer: askProjector(asked, setting) })),
  );
}
