import { hasPackages, missingModules, runPython } from "../python.ts";
import type { Golden } from "./golden.ts";

/** The release the rules were read from, and the last one before the DeepSeek families cached latents. */
export const VERSIONS = ["5.23.0", "5.14.1"] as const;

export type Version = (typeof VERSIONS)[number];

/** Folders under `.venv` for releases other than the newest; torch is shared. */
const PACKAGES: { readonly [version in Version]: string | undefined } = {
  "5.23.0": undefined,
  "5.14.1": "transformers-5.14.1",
};

/** Why this release cannot be asked here, or undefined when it can. */
export function missingEngine(version: Version): string | undefined {
  const missing = missingModules(["torch", "transformers", "accelerate"], "transformers/requirements.txt");
  if (missing !== undefined) return missing;
  const packages = PACKAGES[version];
  if (packages === undefined || hasPackages(packages)) return undefined;
  const options = `--target conformance/.venv/${packages} -r conformance/transformers/requirements-${version}.txt`;
  return `no transformers ${version}; to add it: conformance/.venv/bin/pip install ${options}`;
}

/** Asks for every safetensors fixture: less than a minute. */
export function askEngine(version: Version): Golden {
  const output = runPython("transformers/ask.py", ["fixtures/files/safetensors"], { packages: PACKAGES[version] });
  const { versions, models }: Omit<Golden, "command"> = JSON.parse(output);
  if (versions.transformers !== version) throw new Error(`asked transformers ${versions.transformers}, not ${version}`);
  return { versions, command: "npx tsx conformance/transformers/regenerate.ts", models };
}
