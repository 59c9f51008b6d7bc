/** Operations of ggml 0.25.1 (`enum ggml_op`) that a graph is drawn with, by their names there. */
export type Operation =
  | "NONE"
  | "ADD"
  | "ADD_ID"
  | "ARANGE"
  | "ARGMAX"
  | "ARGSORT"
  | "CLAMP"
  | "CONCAT"
  | "CONT"
  | "CPY"
  | "DIV"
  | "DSV4_HC_COMB"
  | "DSV4_HC_POST"
  | "DSV4_HC_PRE"
  | "FILL"
  | "FLASH_ATTN_EXT"
  | "GATED_DELTA_NET"
  | "GATED_LINEAR_ATTN"
  | "GET_ROWS"
  | "GLU"
  | "GROUP_NORM"
  | "IM2COL"
  | "L2_NORM"
  | "LIGHTNING_INDEXER"
  | "MEAN"
  | "MUL"
  | "MUL_MAT"
  | "MUL_MAT_ID"
  | "NORM"
  | "PAD"
  | "PERMUTE"
  | "POOL_2D"
  | "REPEAT"
  | "RESHAPE"
  | "RMS_NORM"
  | "ROPE"
  | "ROPE_BACK"
  | "RWKV_WKV6"
  | "RWKV_WKV7"
  | "SCALE"
  | "SET"
  | "SET_ROWS"
  | "SOFT_MAX"
  | "SQR"
  | "SQRT"
  | "SSM_CONV"
  | "SSM_SCAN"
  | "SUB"
  | "SUM_ROWS"
  | "TOP_K"
  | "TRANSPOSE"
  | "UNARY"
  | "VIEW";

/** Look at memory in another way and compute nothing (`ggml_is_view_op`, `ggml/src/ggml-backend.cpp:757`). */
export const LOOKS_ONLY: ReadonlySet<Operation> = new Set(["VIEW", "RESHAPE", "PERMUTE", "TRANSPOSE"]);

/** May write over a source that nothing else reads (`ggml_op_can_inplace`, `ggml/src/ggml-alloc.c:22`). */
export const WRITES_OVER: ReadonlySet<Operation> = new Set([
  "FILL",
  "SCALE",
  "ADD",
  "ADD_ID",
  "SUB",
  "MUL",
  "DIV",
  "SQR",
  "SQRT",
  "UNARY",
  "ROPE",
  "ROPE_BACK",
  "RMS_NORM",
  "CLAMP",
  "SOFT_MAX",
]);
