import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SIMULATED, writeEngineRules } from "./engine-rules.ts";
import { type AskedWorkload, engineFlags } from "./workloads.ts";

/** Folder of the programs that ask. */
const HERE: string = fileURLToPath(new URL(".", import.meta.url));
/** What is built and downloaded. */
export const WORK: string = join(HERE, "work");
const BUNDLE = join(HERE, "node_modules/node-llama-cpp/llama/gitRelease.bundle");
export const SOURCE: string = join(WORK, "llama.cpp");
export const BUILD: string = join(WORK, "build");
const TEST_BUILD = join(WORK, "build-tests");
/** Where llama.cpp's own test saves its models. */
export const SAVED_MODELS: string = join(WORK, "saved-models");

const PROGRAM = join(WORK, "ask");

/** The rest is tools and a web page, which would only be in the way of this repository's own checks. */
const SOURCE_FOLDERS = ["cmake", "ggml", "include", "src", "vendor"];

const TOOLS = ["npm", "git", "cmake", "ninja", "g++"];

/** No GPU, no network, no tools: libllama alone. -O1 halves the build; sizes do not depend on it. */
export const CMAKE_OPTIONS: readonly string[] = [
  "--log-level=WARNING",
  "-DCMAKE_BUILD_TYPE=Release",
  "-DCMAKE_C_FLAGS_RELEASE=-O1",
  "-DCMAKE_CXX_FLAGS_RELEASE=-O1",
  "-DGGML_NATIVE=OFF",
  "-DLLAMA_BUILD_COMMON=OFF",
  "-DLLAMA_BUILD_TOOLS=OFF",
  "-DLLAMA_BUILD_TESTS=OFF",
  "-DLLAMA_BUILD_EXAMPLES=OFF",
  "-DLLAMA_BUILD_SERVER=OFF",
  "-DLLAMA_BUILD_APP=OFF",
  "-DLLAMA_USE_PREBUILT_UI=OFF",
  "-DLLAMA_OPENSSL=OFF",
];

/** What llama.cpp said it would allocate, or its reason not to. Bytes, summed over buffer types. */
export type EngineAnswer =
  | {
      readonly modelBytes: number;
      readonly contextBytes: number;
      readonly computeBytes: number;
      readonly outputBytes: number;
    }
  | { readonly refused: string };

/** Why the engine cannot be built here, or undefined when it can. */
export function missingTool(): string | undefined {
  const missing = TOOLS.filter((tool) => !runs(tool));
  return missing.length > 0 ? `needs ${missing.join(", ")}` : undefined;
}

/**
 * Installs the pinned packages where they are not yet. Not by `npm ci`: it wants the binaries of every other platform in
 * the lock file too, 600 MB that are left out here.
 */
function installPackages(): void {
  if (!existsSync(BUNDLE)) run("npm", ["install", "--no-save", "--omit=optional", "--ignore-scripts"], HERE);
}

/** Installs the pinned packages, unpacks the source it carries, builds libllama and `ask`. Minutes once, then nothing. */
export function prepareEngine(): void {
  mkdirSync(WORK, { recursive: true });
  installPackages();
  if (!existsSync(SOURCE)) {
    run("git", ["clone", "--quiet", "--no-checkout", BUNDLE, SOURCE]);
    run("git", ["-C", SOURCE, "sparse-checkout", "set", ...SOURCE_FOLDERS]);
    run("git", ["-C", SOURCE, "-c", "advice.detachedHead=false", "checkout", "--quiet"]);
  }
  if (!existsSync(join(BUILD, "bin/libllama.so"))) {
    run("cmake", ["-S", SOURCE, "-B", BUILD, "-G", "Ninja", ...CMAKE_OPTIONS]);
    run("cmake", ["--build", BUILD, "--target", "llama", "-j2"]);
  }
  compileProgram("ask.cpp", PROGRAM, { includes: [], libraries: ["-lllama"] });
}

type Parts = { readonly includes: readonly string[]; readonly libraries: readonly string[] };

/**
 * Compiles a program of this folder with the simulated GPUs against the engine's libraries; what is private to the engine
 * can be looked at.
 */
export function compileProgram(file: string, program: string, { includes, libraries }: Parts): void {
  writeEngineRules(SOURCE, WORK);
  const folders = ["include", "src", "ggml/include", "ggml/src", ...SIMULATED.includes, ...includes];
  const files = [
    ...[file, ...SIMULATED.files].map((each) => join(HERE, each)),
    ...SIMULATED.sources.map((each) => join(SOURCE, each)),
  ];
  const link = [`-L${BUILD}/bin`, ...libraries, "-lggml", "-lggml-base", "-lggml-cpu", `-Wl,-rpath,${BUILD}/bin`];
  // The size of the output buffer is a private matter of the engine's context.
  const options = ["-O1", "-std=c++17", "-fno-access-control"];
  run("g++", [
    ...options,
    `-I${WORK}`,
    ...folders.map((path) => `-I${join(SOURCE, path)}`),
    ...files,
    "-o",
    program,
    ...link,
  ]);
}

/**
 * The engine and the models that llama.cpp's own test of its architectures saves: small ones with all their tensors, one or
 * two of each architecture. Minutes once, then seconds.
 */
export function prepareSavedModels(): void {
  prepareEngine();
  const program = join(TEST_BUILD, "bin/test-llama-archs");
  if (!existsSync(program)) {
    buildWithTests("test-llama-archs");
  }
  mkdirSync(SAVED_MODELS, { recursive: true });
  // It names every model on stderr; what it could not save shows as a row that is missing.
  execFileSync(program, ["-o", SAVED_MODELS], { stdio: "ignore" });
}

/** Builds a target of the engine's second build, which has `common` and the tests as well. */
function buildWithTests(target: string): void {
  run("git", ["-C", SOURCE, "sparse-checkout", "add", "common", "tests"]);
  const options = [...CMAKE_OPTIONS, "-DLLAMA_BUILD_COMMON=ON", "-DLLAMA_BUILD_TESTS=ON"];
  run("cmake", ["-S", SOURCE, "-B", TEST_BUILD, "-G", "Ninja", ...options]);
  run("cmake", ["--build", TEST_BUILD, "--target", target, "-j2"]);
}

/** Builds a program against llama.cpp's `common`, which its programs share. Minutes once, then seconds. */
export function buildCommon(source: string, program: string): void {
  prepareEngine();
  buildWithTests("llama-common");
  const includes = ["common", "include", "ggml/include", "vendor"].map((folder) => `-I${join(SOURCE, folder)}`);
  const libraries = ["-lllama-common", "-lllama", "-lggml", "-lggml-base"];
  run("g++", [
    "-O1",
    "-std=c++17",
    ...includes,
    source,
    "-o",
    program,
    `-L${TEST_BUILD}/bin`,
    ...libraries,
    `-Wl,-rpath,${TEST_BUILD}/bin`,
  ]);
}

/** Version and commit of the source that was built. */
export function engineVersion(): { readonly version: string; readonly commit: string; readonly carrier: string } {
  const info: { tag: string } = readJson("node_modules/node-llama-cpp/llama/llama.cpp.info.json");
  const carrier: { version: string } = readJson("node_modules/node-llama-cpp/package.json");
  const commit = execFileSync("git", ["-C", SOURCE, "rev-parse", "HEAD"], { encoding: "utf8" }).trim();
  return { version: info.tag.replace(/^v/, ""), commit, carrier: `node-llama-cpp ${carrier.version}` };
}

/** Asks for one model and workload. Throws when the program itself fails. */
export function askEngine(modelPath: string, workload: AskedWorkload): EngineAnswer {
  return readAnswer(execFileSync(PROGRAM, ["-m", modelPath, ...engineFlags(workload)], { encoding: "utf8" }));
}

/** A file of keys, whose tensors the engine makes up unless `whole`; and the model that it drafts for, where it does. */
export type AskedKeys = { readonly model: Uint8Array; readonly whole: boolean; readonly other: Uint8Array | undefined };

/** As {@link askEngine}, for files of keys. Undefined where the engine breaks off on an assertion of its own. */
export function askEngineOfKeys({ model, whole, other }: AskedKeys, workload: AskedWorkload): EngineAnswer | undefined {
  const modelPath = join(WORK, "keys.gguf");
  writeFileSync(modelPath, model);
  const otherPath = join(WORK, "other-keys.gguf");
  if (other !== undefined) writeFileSync(otherPath, other);
  const beside = other === undefined ? [] : ["--other", otherPath];
  const flags = [...(whole ? [] : ["--virtual"]), "-m", modelPath, ...beside, ...engineFlags(workload)];
  return answerTo(flags);
}

/** As {@link askEngineOfKeys} for one file, with more flags of `ask`. */
export function tryEngineOfKeys(
  model: Uint8Array,
  workload: AskedWorkload,
  flags: readonly string[],
): EngineAnswer | undefined {
  const path = join(WORK, "keys.gguf");
  writeFileSync(path, model);
  return answerTo(["--virtual", "-m", path, ...flags, ...engineFlags(workload)]);
}

/** As {@link askEngine}, but undefined where the engine breaks off on an assertion of its own. */
export function tryEngine(modelPath: string, workload: AskedWorkload): EngineAnswer | undefined {
  return answerTo(["-m", modelPath, ...engineFlags(workload)]);
}

/** Bytes on one device. `measured`: what the engine measures without allocating, where that is another figure. */
export type AnsweredBytes = readonly [weights: number, cache: number, compute: number, measured?: number];

/** What the engine would hold on the CPU and on each simulated GPU, in their order. */
export type DeviceAnswer =
  | {
      readonly outputBytes: number;
      readonly workBytes: number;
      readonly devices: readonly AnsweredBytes[];
    }
  | { readonly refused: string };

type PrintedAnswer = {
  readonly outputBytes: number;
  readonly workBytes?: number;
  readonly tensors?: readonly (readonly [name: string, type: string, shape: readonly number[]])[];
  readonly buffers: { readonly [type: string]: BufferBytes };
};

/** Where the engine breaks off it would have a debugger print where, which takes seconds (`ggml/src/ggml.c`). */
const QUIET = { ...process.env, GGML_NO_BACKTRACE: "1" };

/** Threads of the work buffer that is asked for: weighin's default. */
const THREADS = 4;

/** Asks about one file with the given flags; undefined where the engine breaks off on an assertion of its own. */
export function askDevices(path: string, flags: readonly string[]): DeviceAnswer | undefined {
  const answer = printed(["-m", path, "--work", String(THREADS), ...flags]);
  if (answer === undefined || "refused" in answer) return answer;
  const devices: [number, number, number, number][] = [[0, 0, 0, 0]];
  for (const [type, { model, context, compute, measured }] of Object.entries(answer.buffers)) {
    // Pinned, mapped and reordered buffers all lie in the memory of the CPU.
    const index = type.startsWith("GPU") ? Number(type.slice(3)) + 1 : 0;
    // A GPU that holds nothing has no line of its own.
    while (devices.length <= index) devices.push([0, 0, 0, 0]);
    const [weights = 0, cache = 0, scratch = 0, asMeasured = 0] = devices[index] ?? [];
    devices[index] = [weights + model, cache + context, scratch + compute, asMeasured + measured];
  }
  return {
    outputBytes: answer.outputBytes,
    workBytes: answer.workBytes ?? 0,
    devices: devices.map(([weights, cache, compute, measured]) =>
      measured === compute ? [weights, cache, compute] : [weights, cache, compute, measured],
    ),
  };
}

/** The tensors that the engine makes up for a file of keys; undefined where it cannot. */
export function madeUpTensors(path: string, flags: readonly string[] = []): PrintedAnswer["tensors"] {
  const answer = printed(["--virtual", "--tensors", "-m", path, ...flags]);
  return answer === undefined || "refused" in answer ? undefined : answer.tensors;
}

function printed(flags: readonly string[]): PrintedAnswer | { readonly refused: string } | undefined {
  const { status, stdout } = spawnSync(PROGRAM, flags, { encoding: "utf8", maxBuffer: 64 * 1024 * 1024, env: QUIET });
  return status === 0 ? JSON.parse(stdout) : undefined;
}

function answerTo(flags: readonly string[]): EngineAnswer | undefined {
  const { status, stdout } = spawnSync(PROGRAM, flags, { encoding: "utf8", env: QUIET });
  return status === 0 ? readAnswer(stdout) : undefined;
}

function readAnswer(output: string): EngineAnswer {
  const answer: { refused: string } | PrintedAnswer = JSON.parse(output);
  if ("refused" in answer) return answer;
  const buffers = Object.values(answer.buffers);
  const sum = (part: keyof BufferBytes): number => buffers.reduce((total, buffer) => total + buffer[part], 0);
  const { outputBytes } = answer;
  return { modelBytes: sum("model"), contextBytes: sum("context"), computeBytes: sum("compute"), outputBytes };
}

/** Why the binary of npm cannot be asked here, or undefined when it can. It is installed where it is not yet. */
export function missingBinary(): string | undefined {
  if (process.platform !== "linux" || process.arch !== "x64")
    return `the pinned binary is linux-x64, this is ${process.platform}-${process.arch}`;
  try {
    installPackages();
    return undefined;
  } catch (error) {
    return `npm could not install node-llama-cpp: ${error instanceof Error ? error.message.split("\n")[0] : error}`;
  }
}

/** Path of the library that the npm package carries, and the release of the package. */
export function publishedLibrary(): { readonly path: string; readonly release: string } {
  const folder = "node_modules/@node-llama-cpp/linux-x64";
  const { version }: { version: string } = readJson(`${folder}/package.json`);
  return { path: join(HERE, folder, "bins/linux-x64/libggml-base.so"), release: `of node-llama-cpp ${version}` };
}

/** What the binary says of one file, at a context of 8192. */
export type BinaryAnswer = {
  readonly file: string;
  readonly weightBytes: number;
  readonly contextAndComputeBytes: number;
};

/** Asks the binary of `@node-llama-cpp/linux-x64`. */
export function askPublishedBinary(paths: readonly string[]): readonly BinaryAnswer[] {
  const output = execFileSync("node", [join(HERE, "published-binary.mjs"), ...paths], { encoding: "utf8" });
  return output
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

type BufferBytes = {
  readonly model: number;
  readonly context: number;
  readonly compute: number;
  readonly measured: number;
};

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(join(HERE, path), "utf8"));
}

/** Runs a program to its end; throws when it fails. */
export function run(command: string, options: readonly string[], directory: string = WORK): void {
  execFileSync(command, options, { cwd: directory, stdio: ["ignore", "ignore", "inherit"] });
}

function runs(tool: string): boolean {
  try {
    execFileSync(tool, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
