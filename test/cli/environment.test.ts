import { describe, expect, it } from "vitest";
import { type Environment, type HubSettings, hubSettings } from "../../src/cli/environment.ts";

function settings(environment: Environment, files: Record<string, string> = {}): Promise<HubSettings> {
  return hubSettings(environment, "/home/me", async (path) => files[path]);
}

describe("the environment", () => {
  it("defaults to the cache in the home directory, online and without a token", async () => {
    expect(await settings({})).toEqual({
      cacheDir: "/home/me/.cache/huggingface/hub",
      ollamaDir: "/home/me/.ollama/models",
      offline: false,
    });
  });

  it("takes the token from HF_TOKEN, then the old name, then the file", async () => {
    const files = { "/home/me/.cache/huggingface/token": "hf_file\r\n" };
    expect((await settings({ HF_TOKEN: " hf_a\n", HUGGING_FACE_HUB_TOKEN: "hf_b" }, files)).token).toBe("hf_a");
    expect((await settings({ HF_TOKEN: " ", HUGGING_FACE_HUB_TOKEN: "hf_b" }, files)).token).toBe("hf_b");
    expect((await settings({}, files)).token).toBe("hf_file");
  });

  it("looks for the token file where it was put", async () => {
    expect((await settings({ HF_TOKEN_PATH: "~/t" }, { "/home/me/t": "hf_t" })).token).toBe("hf_t");
    expect((await settings({ HF_HOME: "/data" }, { "/data/token": "hf_d" })).token).toBe("hf_d");
  });

  it("has no token when implicit tokens are disabled", async () => {
    const environment = { HF_TOKEN: "hf_a", HF_HUB_DISABLE_IMPLICIT_TOKEN: "yes" };
    expect(await settings(environment, { "/home/me/.cache/huggingface/token": "hf_f" })).not.toHaveProperty("token");
  });

  it.each([
    [{ HF_HUB_CACHE: "/a", HUGGINGFACE_HUB_CACHE: "/b", HF_HOME: "/c" }, "/a"],
    [{ HUGGINGFACE_HUB_CACHE: "/b", HF_HOME: "/c" }, "/b"],
    [{ HF_HOME: "/c", XDG_CACHE_HOME: "/d" }, "/c/hub"],
    [{ XDG_CACHE_HOME: "/d" }, "/d/huggingface/hub"],
    [{ HF_HOME: "~/models" }, "/home/me/models/hub"],
    [{ HF_HOME: `$DISK/$${"{NAME}"}/$MISSING`, DISK: "/mnt", NAME: "hf" }, "/mnt/hf/$MISSING/hub"],
  ])("finds the cache of %j", async (environment, cacheDir) => {
    expect((await settings(environment)).cacheDir).toBe(cacheDir);
  });

  it.each(["1", "on", "Yes", "TRUE"])("is offline for %s", async (word) => {
    expect((await settings({ HF_HUB_OFFLINE: word })).offline).toBe(true);
    expect((await settings({ TRANSFORMERS_OFFLINE: word })).offline).toBe(true);
  });

  it.each(["", "0", "off", "2"])("is online for %j", async (word) => {
    expect((await settings({ HF_HUB_OFFLINE: word })).offline).toBe(false);
  });

  it("takes the endpoint", async () => {
    expect((await settings({ HF_ENDPOINT: "http://127.0.0.1:8080/" })).endpoint).toBe("http://127.0.0.1:8080/");
    expect(await settings({ HF_ENDPOINT: "" })).not.toHaveProperty("endpoint");
  });

  it("takes the store of Ollama", async () => {
    expect((await settings({ OLLAMA_MODELS: "~/ollama" })).ollamaDir).toBe("/home/me/ollama");
  });

  it("takes the seconds a server may be silent, and nothing that is none", async () => {
    expect((await settings({ HF_HUB_DOWNLOAD_TIMEOUT: "30" })).limits).toEqual({ idleTimeoutMs: 30_000 });
    for (const text of ["", "0", "-1", "soon", "1e9"]) {
      expect(await settings({ HF_HUB_DOWNLOAD_TIMEOUT: text })).not.toHaveProperty("limits");
    }
  });
});
