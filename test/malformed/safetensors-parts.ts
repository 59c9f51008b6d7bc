import { entry, type SafetensorsSpec } from "../formats/write-safetensors.ts";

export const F32: string = entry("F32", [2, 2], [0, 16]);
export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
export const withShape = (shape: string, offsets = "[0,16]", dtype = "I32"): string =>
  `{"t":{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}}`;
export const two = (first: string, second: string): string =>
  `{"a":{"dtype":"F32","shape":[4],"data_offsets":${first}},"b":{"dtype":"F32","shape":[4],"data_offsets":${second}}}`;

export const json = (header: string | Uint8Array, dataBytes = 16): SafetensorsSpec => ({ header, dataBytes });
