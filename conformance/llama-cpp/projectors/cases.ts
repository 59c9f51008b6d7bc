import {
  array,
  bool,
  f32,
  fitsBlocks,
  type GgmlType,
  type GgufFile,
  type GgufFixtureValue,
  type GgufTensor,
  text,
  u32,
} from "../../../fixtures/write-gguf.ts";

/** A projector file to ask about: true names and widths, few blocks. */
export type ProjectorCase = { readonly name: string; readonly file: GgufFile };

type Shapes = { readonly [name: string]: readonly number[] };

type Encoder = {
  readonly type: string;
  readonly hidden: number;
  readonly feedForward: number;
  readonly heads: number;
  readonly projection: number;
  readonly keys: { readonly [key: string]: GgufFixtureValue };
  /** Beside the blocks. */
  readonly tensors: Shapes;
  readonly gated?: true;
  /** One matrix for queries, keys and values. */
  readonly joint?: true;
  /** RMS norms and no biases. */
  readonly plain?: true;
  readonly blocks?: number;
};

const TYPE_OF_KEYS = "clip.projector_type";
const COLOURS = array([f32(0.5), f32(0.5), f32(0.5)]);

function visionKeys(imageSize: number, patchSize: number): Encoder["keys"] {
  return {
    image_size: u32(imageSize),
    patch_size: u32(patchSize),
    image_mean: COLOURS,
    image_std: COLOURS,
  };
}

function blockShapes(prefix: string, block: number, encoder: Encoder): Shapes {
  const { hidden, feedForward, gated, joint, plain } = encoder;
  const at = `${prefix}.blk.${block}`;
  const shapes: { [name: string]: readonly number[] } = {};
  const matrix = (name: string, columns: number, rows: number, bias = plain !== true): void => {
    shapes[`${at}.${name}.weight`] = [columns, rows];
    if (bias) shapes[`${at}.${name}.bias`] = [rows];
  };
  if (joint) matrix("attn_qkv", hidden, 3 * hidden);
  else {
    matrix("attn_q", hidden, hidden);
    // Whisper's keys have no bias.
    matrix("attn_k", hidden, hidden, plain !== true && prefix !== "a");
    matrix("attn_v", hidden, hidden);
  }
  matrix("attn_out", hidden, hidden);
  matrix("ffn_up", hidden, feedForward);
  if (gated) matrix("ffn_gate", hidden, feedForward);
  matrix("ffn_down", feedForward, hidden);
  for (const norm of ["ln1", "ln2"]) {
    shapes[`${at}.${norm}.weight`] = [hidden];
    if (plain !== true) shapes[`${at}.${norm}.bias`] = [hidden];
  }
  return shapes;
}

function encoderShapes(prefix: string, encoder: Encoder, surplus: number): Shapes {
  const blocks = Array.from({ length: (encoder.blocks ?? 2) + surplus }, (_, block) =>
    blockShapes(prefix, block, encoder),
  );
  return Object.assign({}, encoder.tensors, ...blocks);
}

function encoderKeys(section: string, encoder: Encoder): [string, GgufFixtureValue][] {
  const at = `clip.${section}`;
  return [
    [`${at}.embedding_length`, u32(encoder.hidden)],
    [`${at}.feed_forward_length`, u32(encoder.feedForward)],
    [`${at}.block_count`, u32(encoder.blocks ?? 2)],
    [`${at}.projection_dim`, u32(encoder.projection)],
    [`${at}.attention.head_count`, u32(encoder.heads)],
    [`${at}.attention.layer_norm_epsilon`, f32(1e-6)],
    ...Object.entries(encoder.keys).map(([key, value]): [string, GgufFixtureValue] => [`${at}.${key}`, value]),
  ];
}

/** Matrices of `type`, the rest as the converter leaves it: vectors in f32, convolutions in f16. */
function tensorsOf(shapes: Shapes, type: GgmlType): GgufTensor[] {
  return Object.entries(shapes).map(([name, shape]) => {
    if (shape.length < 2) return { name, type: "F32", shape };
    const isMatrix = shape.length === 2 && fitsBlocks(type, shape[0] ?? 0) && !name.includes("position_embd");
    return { name, type: isMatrix ? type : shape.length > 2 ? "F16" : "F32", shape };
  });
}

type Parts = {
  readonly vision?: Encoder;
  readonly audio?: Encoder;
  readonly surplus?: number;
  readonly joined?: string;
};

function projector(name: string, type: GgmlType, { vision, audio, surplus = 0, joined }: Parts): ProjectorCase {
  const only = vision ?? audio;
  return {
    name,
    file: {
      keys: [
        ["general.architecture", text("clip")],
        ["general.type", text("mmproj")],
        ["clip.has_vision_encoder", bool(vision !== undefined)],
        ["clip.has_audio_encoder", bool(audio !== undefined)],
        ...(joined === undefined && vision !== undefined && audio !== undefined
          ? ([
              ["clip.vision.projector_type", text(vision.type)],
              ["clip.audio.projector_type", text(audio.type)],
            ] as const)
          : ([[TYPE_OF_KEYS, text(joined ?? only?.type ?? "")]] as const)),
        ["clip.use_gelu", bool(true)],
        ...(vision === undefined ? [] : encoderKeys("vision", vision)),
        ...(audio === undefined ? [] : encoderKeys("audio", audio)),
      ],
      tensors: tensorsOf(
        {
          ...(vision === undefined ? {} : encoderShapes("v", vision, surplus)),
          ...(audio === undefined ? {} : encoderShapes("a", audio, surplus)),
        },
        type,
      ),
    },
  };
}

function gemma3(hidden: number, feedForward: number, heads: number, imageSize: number): Encoder {
  const patches = (imageSize / 14) ** 2;
  return {
    type: "gemma3",
    hidden,
    feedForward,
    heads,
    projection: 2560,
    keys: visionKeys(imageSize, 14),
    tensors: {
      "v.patch_embd.weight": [14, 14, 3, hidden],
      "v.patch_embd.bias": [hidden],
      "v.position_embd.weight": [hidden, patches],
      "v.post_ln.weight": [hidden],
      "v.post_ln.bias": [hidden],
      "mm.input_projection.weight": [2560, hidden],
      "mm.soft_emb_norm.weight": [hidden],
    },
  };
}

/** LLaVA 1.5: CLIP ViT-L, whose last block is not used and often left in the file. */
const LLAVA: Encoder = {
  type: "mlp",
  hidden: 1024,
  feedForward: 4096,
  heads: 16,
  projection: 768,
  keys: visionKeys(336, 14),
  tensors: {
    "v.class_embd": [1024],
    "v.patch_embd.weight": [14, 14, 3, 1024],
    "v.position_embd.weight": [1024, 577],
    "v.pre_ln.weight": [1024],
    "v.pre_ln.bias": [1024],
    "mm.0.weight": [1024, 4096],
    "mm.0.bias": [4096],
    "mm.2.weight": [4096, 4096],
    "mm.2.bias": [4096],
  },
};

const QWEN2_VL: Encoder = {
  type: "qwen2vl_merger",
  hidden: 1280,
  feedForward: 5120,
  heads: 16,
  projection: 1536,
  keys: visionKeys(560, 14),
  tensors: {
    "v.patch_embd.weight": [14, 14, 3, 1280],
    "v.patch_embd.weight.1": [14, 14, 3, 1280],
    "v.post_ln.weight": [1280],
    "v.post_ln.bias": [1280],
    "mm.0.weight": [5120, 5120],
    "mm.0.bias": [5120],
    "mm.2.weight": [5120, 1536],
    "mm.2.bias": [1536],
  },
};

const QWEN25_VL: Encoder = {
  ...QWEN2_VL,
  type: "qwen2.5vl_merger",
  feedForward: 3420,
  projection: 3584,
  gated: true,
  keys: { ...QWEN2_VL.keys, n_wa_pattern: u32(8) },
  tensors: { ...QWEN2_VL.tensors, "mm.2.weight": [5120, 3584], "mm.2.bias": [3584] },
};

const QWEN3_VL: Encoder = {
  type: "qwen3vl_merger",
  hidden: 1024,
  feedForward: 4096,
  heads: 16,
  projection: 2560,
  joint: true,
  keys: visionKeys(768, 16),
  tensors: {
    "v.patch_embd.weight": [16, 16, 3, 1024],
    "v.patch_embd.weight.1": [16, 16, 3, 1024],
    "v.patch_embd.bias": [1024],
    "v.position_embd.weight": [1024, 2304],
    "v.post_ln.weight": [1024],
    "v.post_ln.bias": [1024],
    "v.deepstack.1.norm.weight": [4096],
    "v.deepstack.1.norm.bias": [4096],
    "v.deepstack.1.fc1.weight": [4096, 4096],
    "v.deepstack.1.fc1.bias": [4096],
    "v.deepstack.1.fc2.weight": [4096, 2560],
    "v.deepstack.1.fc2.bias": [2560],
    "mm.0.weight": [4096, 4096],
    "mm.0.bias": [4096],
    "mm.2.weight": [4096, 2560],
    "mm.2.bias": [2560],
  },
};

const PIXTRAL: Encoder = {
  type: "pixtral",
  hidden: 1024,
  feedForward: 4096,
  heads: 16,
  projection: 5120,
  gated: true,
  plain: true,
  keys: { ...visionKeys(1540, 14), spatial_merge_size: u32(2) },
  tensors: {
    "v.patch_embd.weight": [14, 14, 3, 1024],
    "v.pre_ln.weight": [1024],
    "v.token_embd.img_break": [5120],
    "mm.1.weight": [1024, 5120],
    "mm.2.weight": [5120, 5120],
    "mm.input_norm.weight": [1024],
    "mm.patch_merger.weight": [4096, 1024],
  },
};

const INTERN_VL: Encoder = {
  type: "internvl",
  hidden: 1024,
  feedForward: 4096,
  heads: 16,
  projection: 896,
  keys: { ...visionKeys(448, 14), "projector.scale_factor": u32(2) },
  tensors: {
    "v.class_embd": [1024],
    "v.patch_embd.weight": [14, 14, 3, 1024],
    "v.patch_embd.bias": [1024],
    "v.position_embd.weight": [1024, 1025],
    "mm.model.mlp.0.weight": [4096],
    "mm.model.mlp.0.bias": [4096],
    "mm.model.mlp.1.weight": [4096, 896],
    "mm.model.mlp.1.bias": [896],
    "mm.model.mlp.3.weight": [896, 896],
    "mm.model.mlp.3.bias": [896],
  },
};

const SMOL_VLM: Encoder = {
  type: "idefics3",
  hidden: 768,
  feedForward: 3072,
  heads: 12,
  projection: 960,
  keys: { ...visionKeys(512, 16), "projector.scale_factor": u32(4) },
  tensors: {
    "v.patch_embd.weight": [16, 16, 3, 768],
    "v.patch_embd.bias": [768],
    "v.position_embd.weight": [768, 1024],
    "v.post_ln.weight": [768],
    "v.post_ln.bias": [768],
    "mm.model.fc.weight": [12288, 960],
  },
};

const LFM2_VL: Encoder = {
  type: "lfm2",
  hidden: 768,
  feedForward: 3072,
  heads: 12,
  projection: 1024,
  keys: { ...visionKeys(256, 16), "projector.scale_factor": u32(2) },
  tensors: {
    "v.patch_embd.weight": [16, 16, 3, 768],
    "v.patch_embd.bias": [768],
    "v.position_embd.weight": [768, 256],
    "v.post_ln.weight": [768],
    "v.post_ln.bias": [768],
    "mm.1.weight": [3072, 2560],
    "mm.1.bias": [2560],
    "mm.2.weight": [2560, 1024],
    "mm.2.bias": [1024],
  },
};

const whisper = (type: string, projection: number, keys: Encoder["keys"], tensors: Shapes): Encoder => ({
  type,
  hidden: 1280,
  feedForward: 5120,
  heads: 20,
  projection,
  keys: { num_mel_bins: u32(128), ...keys },
  tensors: {
    "a.position_embd.weight": [1280, 1500],
    "a.conv1d.1.weight": [3, 128, 1280],
    "a.conv1d.1.bias": [1, 1280],
    "a.conv1d.2.weight": [3, 1280, 1280],
    "a.conv1d.2.bias": [1, 1280],
    "a.post_ln.weight": [1280],
    "a.post_ln.bias": [1280],
    ...tensors,
  },
});

const ULTRAVOX: Encoder = whisper(
  "ultravox",
  2048,
  { "projector.stack_factor": u32(8) },
  {
    "mm.a.mlp.1.weight": [10240, 2048],
    "mm.a.mlp.2.weight": [1024, 2048],
    "mm.a.norm_pre.weight": [10240],
    "mm.a.norm_mid.weight": [1024],
  },
);

const VOXTRAL: Encoder = whisper(
  "voxtral",
  3072,
  { "projector.stack_factor": u32(4) },
  { "mm.a.mlp.1.weight": [5120, 3072], "mm.a.mlp.2.weight": [3072, 3072] },
);

const QWEN2_AUDIO: Encoder = whisper("qwen2a", 4096, {}, { "mm.a.fc.weight": [1280, 4096], "mm.a.fc.bias": [4096] });

/** Every kind of graph that shares blocks with another once, some by several types of weights. */
export const PROJECTOR_CASES: readonly ProjectorCase[] = [
  projector("gemma3, f16", "F16", { vision: gemma3(1152, 4304, 16, 896) }),
  projector("gemma3, q8_0", "Q8_0", { vision: gemma3(1152, 4304, 16, 896) }),
  projector("gemma3, small, q4_0", "Q4_0", { vision: gemma3(96, 160, 4, 224) }),
  projector("llava, f16, a block too many", "F16", { vision: LLAVA, surplus: 1 }),
  projector("qwen2vl, f16", "F16", { vision: QWEN2_VL }),
  projector("qwen2.5vl, f16", "F16", { vision: { ...QWEN25_VL, blocks: 8 } }),
  projector("qwen2.5vl, q8_0", "Q8_0", { vision: { ...QWEN25_VL, blocks: 8 } }),
  projector("qwen3vl, bf16", "BF16", { vision: QWEN3_VL }),
  projector("pixtral, q8_0", "Q8_0", { vision: PIXTRAL }),
  projector("internvl, f32", "F32", { vision: INTERN_VL }),
  projector("idefics3, q8_0", "Q8_0", { vision: SMOL_VLM }),
  projector("lfm2, f16", "F16", { vision: LFM2_VL }),
  projector("ultravox, f16", "F16", { audio: ULTRAVOX }),
  projector("voxtral, q4_0", "Q4_0", { audio: VOXTRAL }),
  projector("qwen2a, q8_0", "Q8_0", { audio: QWEN2_AUDIO }),
  projector("qwen2.5o, f16", "F16", { vision: { ...QWEN25_VL, blocks: 8 }, audio: QWEN2_AUDIO, joined: "qwen2.5o" }),
];
