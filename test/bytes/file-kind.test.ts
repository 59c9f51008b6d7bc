import { describe, expect, it } from "vitest";
import { type FileKindName, fileKindOf } from "../../src/bytes/file-kind.ts";
import { writeGguf } from "../formats/write-gguf.ts";
import { writeSafetensors } from "../formats/write-safetensors.ts";

const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

describe("fileKindOf", () => {
  const known: readonly (readonly [FileKindName, Uint8Array])[] = [
    ["empty", new Uint8Array(0)],
    ["zeros", new Uint8Array(4_096)],
    ["git-lfs-pointer", latin1("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")],
    ["html", latin1("\xef\xbb\xbf  <!DOCTYPE HTML>")],
    ["html", latin1("<html lang=en>")],
    ["xml", latin1('<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>')],
    ["pytorch-zip", latin1("PK\x03\x04\0\0\x08\x08\0\0archive/data.pkl")],
    ["zip", latin1("PK\x03\x04\0\0\x08\x08\0\0word/document.xml")],
    ["pickle", latin1("\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.")],
    ["gguf", writeGguf({})],
    ["ggml", latin1("tjgg\x03\0\0\0")],
    ["safetensors", writeSafetensors({ header: "{}" })],
    ["safetensors", writeSafetensors({ header: "  {}" })],
    ["json", latin1('{"error":"Invalid username or password."}')],
    ["json", latin1(" [1, 2]")],
    ["gzip", latin1("\x1f\x8b\x08\0")],
    ["hdf5", latin1("\x89HDF\r\n\x1a\n")],
    ["numpy", latin1("\x93NUMPY\x01\0")],
    ["text", latin1("Access to this model is restricted.\nSee the page.")],
  ];
  it.each(known)("recognises %s", (kind, bytes) => {
    const sniffed = fileKindOf(bytes);
    expect(sniffed?.kind).toBe(kind);
    expect(sniffed?.phrase).toMatch(/^[\x20-\x7e]+$/);
    expect(sniffed?.hint).toMatch(/[.?]$/);
  });

  it("says how a text begins", () => {
    expect(fileKindOf(latin1("Entry not found\nor so"))?.phrase).toBe('a text that begins with "Entry not found"');
  });

  it.each([
    ["a few zero bytes", new Uint8Array(15)],
    ["a short text", latin1("FUGG")],
    ["bytes of no known kind", latin1("\x00\x01\x02\x03unknown magic number")],
  ])("does not guess at %s", (_, bytes) => {
    expect(fileKindOf(bytes)).toBeUndefined();
  });
});
