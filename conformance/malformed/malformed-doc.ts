import { join } from "node:path";
import { MALFORMED_FILES, type MalformedFile } from "../../test/malformed/cases.ts";
import { ROOT } from "../paths.ts";
import { ON_PURPOSE, readVerdicts, type Verdict } from "./verdicts.ts";

export const MALFORMED_DOC: string = join(ROOT, "docs/malformed.md");

/** The whole of `docs/malformed.md`, from the lists of `test/malformed/` and the golden verdicts. */
export function malformedDoc(): string {
  const { versions, rows } = readVerdicts();
  const equal = MALFORMED_FILES.length - ON_PURPOSE.size;
  return `# Malformed files

Written by \`npm run generate\` from the lists in \`test/malformed/\` and the golden verdicts in \`conformance/malformed/\`; a test holds
it against both, and \`npm run conformance\` asks the references again.

${MALFORMED_FILES.length} files, each a test of its own: ${equal} have the reference's verdict, ${ON_PURPOSE.size} have another on purpose. The reference of GGUF is
llama.cpp ${versions["llama.cpp"]} as npm carries it (\`gguf_init_from_file\`, and the bounds its loader checks), that of safetensors the package
\`safetensors\` ${versions.safetensors}. Files of a hub and of a server, and sets of files, have no reference; they are in \`test/hub/\` and \`test/source/\`.

## Another verdict on purpose

| file | weighin |
| --- | --- |
${[...ON_PURPOSE].map(([title, reason]) => `| ${cell(title)} | ${cell(reason)} |`).join("\n")}
${table("GGUF", "gguf", rows)}${table("safetensors", "safetensors", rows)}`;
}

function table(heading: string, format: MalformedFile["format"], rows: readonly Verdict[]): string {
  const lines = MALFORMED_FILES.filter((file) => file.format === format).map(({ title, takes, codes }) => {
    const row = rows.find((candidate) => candidate.format === format && candidate.title === title);
    const notes = codes.map((code) => `\`${code}\``).join(", ");
    const ours = takes ? (notes === "" ? "read" : `read, with ${notes}`) : notes;
    return `| ${cell(title)} | ${ours} | ${row?.takes ? "takes it" : cell(row?.reason ?? "")} |`;
  });
  return `
## ${heading}

| file | weighin | the reference |
| --- | --- | --- |
${lines.join("\n")}
`;
}

function cell(text: string): string {
  return text.replace(/[|<>`*_[\]]/g, "\\$&");
}
