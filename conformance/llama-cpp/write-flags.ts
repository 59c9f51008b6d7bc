import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../paths.ts";
import { argumentsSource, FLAGS_FILE, flagsModule } from "./flags.ts";

/** Writes the table of llama.cpp's flags anew, from the source of the pinned release. */
writeFileSync(join(ROOT, FLAGS_FILE), flagsModule(argumentsSource()));
