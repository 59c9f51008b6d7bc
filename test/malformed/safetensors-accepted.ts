import { expect } from "vitest";
import { SAFETENSORS_DTYPE_BITS } from "../../src/formats/safetensors/dtypes.ts";
import type { SafetensorsFile } from "../../src/formats/safetensors/read.ts";
import type { SafetensorsSpec } from "../formats/write-safetensors.ts";
import type { AcceptedCase } from "./case.ts";
import { F32, json, withShape } from "./safetensors-parts.ts";

export const SAFETENSORS_ACCEPTED: readonly AcceptedCase<SafetensorsSpec, SafetensorsFile>[] = [
  {
    title: "a tensor with its place in the file",
    file: json(F32),
    check: ({ tensors, headerBytes }) => {
      expect(headerBytes).toBe(8 + F32.length);
      expect(tensors).toEqual([
        { name: "t", dtype: "F32", shape: [2, 2], elements: 4, bytes: 16, file: 0, offset: 8 + F32.length },
      ]);
    },
  },
  ...[" ", "\t", "\n", "\r", "        "].map((space) => ({
    title: `S-12 trailing ${JSON.stringify(space)}`,
    file: json(F32 + space),
  })),
  { title: "S-13 leading whitespace, with a diagnostic", file: json(`   ${F32}`), reports: ["invalid-header"] },
  {
    title: "S-28 F4 [1,2] in 1 byte",
    file: json(withShape("[1,2]", "[0,1]", "F4"), 1),
    check: ({ tensors }) => expect(tensors[0]).toMatchObject({ elements: 2, bytes: 1 }),
  },
  ...[...SAFETENSORS_DTYPE_BITS].map(([dtype, bits]) => ({
    title: `S-29 the dtype ${dtype}`,
    file: json(withShape("[8]", `[0,${bits}]`, dtype), bits),
    check: ({ tensors }: SafetensorsFile) => expect(tensors[0]).toMatchObject({ dtype, bytes: bits }),
  })),
  {
    title: "S-34 an unknown key of a tensor, with a diagnostic",
    file: json(F32.replace('"shape"', '"extra":{"a":[1.5e3,null],"a":0},"shape"')),
    reports: ["invalid-tensor"],
  },
  {
    title: "S-35 a scalar",
    file: json(withShape("[]", "[0,4]"), 4),
    check: ({ tensors }) => expect(tensors[0]).toMatchObject({ shape: [], elements: 1, bytes: 4 }),
  },
  {
    title: "S-36 a dimension of 0",
    file: json(withShape("[2,0]", "[0,0]"), 0),
    check: ({ tensors }) => expect(tensors[0]).toMatchObject({ elements: 0, bytes: 0 }),
  },
  { title: "S-37 no tensors", file: json("{}", 0), check: ({ tensors }) => expect(tensors).toEqual([]) },
  {
    title: "S-37 metadata only",
    file: json('{"__metadata__":{"format":"pt"}}', 0),
    check: ({ metadata }) => expect(metadata).toEqual(new Map([["format", "pt"]])),
  },
  {
    title: "S-41 a __metadata__ of null, with a diagnostic",
    file: json(F32.replace("{", '{"__metadata__":null,')),
    reports: ["invalid-metadata"],
  },
  ...["__proto__", "constructor", "toString", "hasOwnProperty"].map((name) => ({
    title: `S-42 a tensor and a metadata key named ${name}`,
    file: json(`{"__metadata__":{"${name}":"v"},"${name}":${F32.slice(5)}`),
    check: ({ tensors, metadata }: SafetensorsFile) => {
      expect(tensors[0]?.name).toBe(name);
      expect([...metadata]).toEqual([[name, "v"]]);
      expect(({} as Record<string, unknown>)["dtype"]).toBeUndefined();
    },
  })),
  ...["", "a\\u0000b", "\\u001b[31m", "\\u202ex", "n".repeat(1_000_000)].map((name) => ({
    title: `S-43 a tensor named ${JSON.stringify(name.slice(0, 12))}`,
    file: json(F32.replace('"t"', `"${name}"`)),
    check: ({ tensors }: SafetensorsFile) => expect(tensors[0]?.name).toBe(JSON.parse(`"${name}"`)),
  })),
  {
    title: "S-47 names in another order than their data, and mixed widths",
    file: json(
      '{"b":{"dtype":"U8","shape":[3],"data_offsets":[8,11]},"c":{"dtype":"F16","shape":[1],"data_offsets":[11,13]},"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}',
      13,
    ),
    check: ({ tensors }) => expect(tensors.map(({ name }) => name)).toEqual(["a", "b", "c"]),
  },
  {
    title: "S-48 a header that is not a multiple of 8 bytes",
    file: json(withShape("[4]", "[0,4]", "U8"), 4),
    check: ({ headerBytes }) => expect(headerBytes % 8).not.toBe(0),
  },
  {
    title: "an empty tensor that begins where another does",
    file: json(
      '{"t":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"e":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}',
      4,
    ),
    check: ({ tensors }) => expect(tensors.map(({ name }) => name)).toEqual(["e", "t"]),
  },
];
