import { join } from "node:path";

/** Environment variables, as `process.env` has them. */
export type Environment = { readonly [name: string]: string | undefined };

/** What the environment says about the hub and the stores on this machine; what it does not say is absent. */
export type HubSettings = {
  readonly endpoint?: string;
  readonly token?: string;
  readonly cacheDir: string;
  readonly ollamaDir: string;
  readonly offline: boolean;
  readonly limits?: { readonly idleTimeoutMs: number };
};

/** The text of a small file, undefined when it cannot be read. */
export type ReadText = (path: string) => Promise<string | undefined>;

const TRUE_WORDS: ReadonlySet<string> = new Set(["1", "ON", "YES", "TRUE"]);

/**
 * Reads the variables of the Hugging Face libraries, with their precedence (`huggingface_hub` `constants.py` and
 * `utils/_auth.py`). Called per run, never at import.
 */
export async function hubSettings(
  environment: Environment,
  homeDirectory: string,
  readText: ReadText,
): Promise<HubSettings> {
  const value = (name: string): string | undefined => environment[name]?.trim() || undefined;
  const isTrue = (name: string): boolean => TRUE_WORDS.has(value(name)?.toUpperCase() ?? "");
  const path = (name: string): string | undefined => {
    const text = value(name);
    return text === undefined ? undefined : expand(text, environment, homeDirectory);
  };

  const home = path("HF_HOME") ?? join(path("XDG_CACHE_HOME") ?? join(homeDirectory, ".cache"), "huggingface");
  const implicit = !isTrue("HF_HUB_DISABLE_IMPLICIT_TOKEN");
  const token = implicit
    ? (cleanToken(environment["HF_TOKEN"]) ??
      cleanToken(environment["HUGGING_FACE_HUB_TOKEN"]) ??
      cleanToken(await readText(path("HF_TOKEN_PATH") ?? join(home, "token"))))
    : undefined;
  const endpoint = value("HF_ENDPOINT");
  // huggingface_hub reads whole seconds; anything else would end it.
  const timeout = /^[1-9]\d{0,5}$/.exec(value("HF_HUB_DOWNLOAD_TIMEOUT") ?? "")?.[0];
  return {
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(token === undefined ? {} : { token }),
    cacheDir: path("HF_HUB_CACHE") ?? path("HUGGINGFACE_HUB_CACHE") ?? join(home, "hub"),
    ollamaDir: path("OLLAMA_MODELS") ?? join(homeDirectory, ".ollama", "models"),
    offline: isTrue("HF_HUB_OFFLINE") || isTrue("TRANSFORMERS_OFFLINE"),
    ...(timeout === undefined ? {} : { limits: { idleTimeoutMs: Number(timeout) * 1_000 } }),
  };
}

function cleanToken(text: string | undefined): string | undefined {
  return text?.replace(/[\r\n]/g, "").trim() || undefined;
}

/** `~` and `$VAR` / `${VAR}`, as Python's expanduser and expandvars do: an unknown variable stays as it is. */
function expand(path: string, environment: Environment, homeDirectory: string): string {
  const atHome = path === "~" || path.startsWith("~/") ? homeDirectory + path.slice(1) : path;
  return atHome.replace(/\$(?:(\w+)|\{(\w+)\})/g, (whole, bare, braced) => environment[bare ?? braced] ?? whole);
}
