import { describe, expect, it } from "vitest";
import { parseRepoName, repoIdProblem } from "../../src/source/hub-reference.ts";
import { parseReference, parseUrl } from "../../src/source/reference.ts";

const ENDPOINT = "https://mirror.example/hf";
const hub = (reference: object) => ({ kind: "hub", reference });
const modelscope = (reference: object) => ({ kind: "modelscope", reference });
const ollama = (name: object) => ({
  kind: "ollama",
  name: { host: "registry.ollama.ai", namespace: "library", tag: "latest", ...name },
});

describe("what a source string means", () => {
  it.each([
    ["hf://org/name", hub({ id: "org/name" })],
    ["hf://models/org/name", hub({ id: "org/name" })],
    ["hf://org/name@v1", hub({ id: "org/name", revision: "v1" })],
    ["hf://org/name:Q4_K_M", hub({ id: "org/name", quant: "Q4_K_M" })],
    ["hf://org/name@refs/pr/7/sub/file.gguf", hub({ id: "org/name", revision: "refs/pr/7", path: "sub/file.gguf" })],
    ["hf://org/name@feature%2Fx/file.gguf", hub({ id: "org/name", revision: "feature/x", path: "file.gguf" })],
    ["hf://org/name/sub/file.gguf", hub({ id: "org/name", path: "sub/file.gguf" })],
    ["https://huggingface.co/org/name", hub({ id: "org/name" })],
    ["https://huggingface.co/org/name?library=x#y", hub({ id: "org/name" })],
    ["huggingface.co/org/name:Q8_0", hub({ id: "org/name", quant: "Q8_0" })],
    ["hf.co/org/name:Q8_0", hub({ id: "org/name", quant: "Q8_0" })],
    ["https://hf.co/org/name/blob/main/a%20b.gguf", hub({ id: "org/name", revision: "main", path: "a b.gguf" })],
    [
      "https://hf.co/org/name/resolve/refs%2Fpr%2F1/f.gguf?download=true",
      hub({ id: "org/name", revision: "refs/pr/1", path: "f.gguf" }),
    ],
    ["https://hf.co/org/name/tree/refs/pr/1/sub", hub({ id: "org/name", revision: "refs/pr/1", path: "sub" })],
    [
      "https://hf.co/gpt2/resolve/main/model.safetensors",
      hub({ id: "gpt2", revision: "main", path: "model.safetensors" }),
    ],
    ["https://mirror.example/hf/org/name/tree/v2", hub({ id: "org/name", revision: "v2" })],
    ["./org/name", { kind: "path", path: "./org/name" }],
    ["/abs/model", { kind: "path", path: "/abs/model" }],
    ["~/model", { kind: "path", path: "~/model" }],
    ["C:\\models\\x", { kind: "path", path: "C:\\models\\x" }],
    ["..", { kind: "path", path: ".." }],
    ["org/name.gguf", { kind: "path", path: "org/name.gguf" }],
    ["a/b/c", { kind: "path", path: "a/b/c" }],
    ["org/name", { kind: "path-or-hub", text: "org/name" }],
    ["gpt2", { kind: "path-or-hub", text: "gpt2" }],
    ["org/name:m-Q8_0.gguf", { kind: "path-or-hub", text: "org/name:m-Q8_0.gguf" }],
    ["C:model.gguf", { kind: "path", path: "C:model.gguf" }],
    ["org/name:sub/m.gguf", { kind: "path", path: "org/name:sub/m.gguf" }],
    ["mirror.example/hf/org/name/tree/v2", hub({ id: "org/name", revision: "v2" })],
    ["hub-ci.huggingface.co/org/name", hub({ id: "org/name" })],
    ["org/name@feature/x", { kind: "path-or-hub", text: "org/name@feature/x" }],
    ["ollama://llama3", ollama({ model: "llama3" })],
    ["ollama://llama3.2:3b-instruct-q8_0", ollama({ model: "llama3.2", tag: "3b-instruct-q8_0" })],
    ["ollama://owner/model", ollama({ namespace: "owner", model: "model" })],
    ["OLLAMA://Hub.Example:5000/own/m:t", ollama({ host: "hub.example:5000", namespace: "own", model: "m", tag: "t" })],
    ["ollama://hf.co/org/name:Q8_0", ollama({ host: "hf.co", namespace: "org", model: "name", tag: "Q8_0" })],
    ["modelscope://org/name", modelscope({ id: "org/name" })],
    ["modelscope://org/name:Q8_0@v1", modelscope({ id: "org/name", quant: "Q8_0", revision: "v1" })],
    ["modelscope://org/name/sub/m.gguf", modelscope({ id: "org/name", path: "sub/m.gguf" })],
    ["https://modelscope.cn/models/org/name", modelscope({ id: "org/name" })],
    ["https://www.modelscope.cn/models/org/name/files", modelscope({ id: "org/name" })],
    [
      "https://modelscope.cn/models/org/name/resolve/master/a%20b.gguf",
      modelscope({ id: "org/name", revision: "master", path: "a b.gguf" }),
    ],
    [
      "https://modelscope.cn/models/org/name/file/view/v1/m.gguf?status=2",
      modelscope({ id: "org/name", revision: "v1", path: "m.gguf" }),
    ],
  ])("reads %s", (text, expected) => {
    expect(parseReference(text, ENDPOINT)).toEqual(expected);
  });

  it("takes a host of one word for the owner of a repo", () => {
    expect(parseReference("hub/name", "http://hub").kind).toBe("path-or-hub");
    expect(parseReference("localhost:8080/org/name", "http://localhost:8080")).toEqual(hub({ id: "org/name" }));
  });

  it("reads any other http address as a file", () => {
    const read = parseReference("https://files.example/m.gguf?key=secret", ENDPOINT);
    expect(read.kind === "http" && read.url.host).toBe("files.example");
    expect(parseReference("https://mirror.example/hfx/m.gguf", ENDPOINT).kind).toBe("http");
    expect(parseReference("https://modelscope.cn/api/v1/models/org/name/repo?FilePath=m.gguf", ENDPOINT).kind).toBe(
      "http",
    );
    expect(parseUrl(new URL("ollama://llama3"), ENDPOINT)).toEqual(ollama({ model: "llama3" }));
    expect(parseUrl(new URL("file:///tmp/x.gguf"), ENDPOINT)).toEqual({ kind: "path", path: "file:///tmp/x.gguf" });
  });

  it.each([
    ["", "is empty"],
    ["s3://bucket/llama3", "Supported are"],
    ["ollama://", "no valid model"],
    ["ollama://llama3:8b:q4", "too many parts"],
    ["ollama://a/b/c/d", "too many parts"],
    ["ollama://../library/llama3", "holds .."],
    ["ollama://host/own.er/llama3", "no valid namespace"],
    ["ollama:///owner/llama3", "no host"],
    ["ollama://llama3:Q4 K", "no valid tag"],
    ["ollama://llama3@sha256-00", "no valid model"],
    ["modelscope://llama3", "modelscope:// wants org/name"],
    ["modelscope://org/..", "not a repo id"],
    ["modelscope://datasets/org/name", "datasets"],
    ["s3://bucket/x.gguf", "Supported are"],
    ["ftp://host/x.gguf", "Supported are"],
    ["data:text/plain,x", "after the :"],
    ["a b", "repo id"],
    ["org/name:", "after the :"],
    ["datasets/name", "datasets"],
    ["org/name@a..b", "revision"],
    ["hf://model/org/name", "begins with model/"],
    ["hf://gpt2", "lacks the owner"],
    ["hf://org/name@", "revision"],
    ["hf://datasets/org/name", "datasets"],
    ["hf://org/name/../../other", "segment"],
    ["https://huggingface.co/datasets/org/name", "datasets"],
    ["https://huggingface.co/spaces/org/name", "spaces"],
    ["https://huggingface.co/models", "site"],
    ["https://huggingface.co/org/name/discussions/1", "not a page of a repo"],
    ["https://huggingface.co/org/name/blob/main", "names no file"],
    ["https://user:secret@files.example/m.gguf", "user name or password"],
  ])("refuses %j", (text, says) => {
    expect(() => {
      const read = parseReference(text, ENDPOINT);
      if (read.kind === "path-or-hub") parseRepoName(read.text);
    }).toThrow(says);
  });
});

describe("repo ids", () => {
  it.each(["org/name", "gpt2", "Qwen/Qwen2.5-7B", "a/b_c.d-e"])("accepts %s", (id) => {
    expect(repoIdProblem(id)).toBeUndefined();
  });

  it.each([
    "../../x",
    "a/b/c",
    "a b",
    "a/b?c",
    "a/b#c",
    "a/b\n",
    "a--b/c",
    "a/b..c",
    "a/b.git",
    "-a/b",
    "a/",
    "/b",
    "a/%2e%2e",
    "é/b",
    `a/${"b".repeat(97)}`,
  ])("refuses %j", (id) => {
    expect(repoIdProblem(id)).toBeTypeOf("string");
  });
});
