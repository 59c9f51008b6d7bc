import { ARCHITECTURE_CASES } from "../../architectures/cases.ts";
import { ofEach, type Variant } from "./variant.ts";

/** Matrices whose scales the engine loads of every architecture, and reads of some. */
const SCALED = [
  "attn_q",
  "attn_k",
  "attn_v",
  "attn_output",
  "attn_qkv",
  "attn_gate",
  "ffn_gate",
  "ffn_up",
  "ffn_down",
  "ffn_gate_shexp",
  "ffn_up_shexp",
  "ffn_down_shexp",
  "ffn_gate_exps",
  "ffn_up_exps",
  "ffn_down_exps",
  "ssm_in",
  "ssm_out",
  "ssm_alpha",
  "ssm_beta",
  "nextn.eh_proj",
  "nextn.shared_head_head",
];

/** All have such matrices, or an output matrix; of MiniMax-Text-01 the engine takes no file with scales. */
const ARCHITECTURES = new Set(ARCHITECTURE_CASES.map(({ architecture }) => architecture));
ARCHITECTURES.delete("minimax-01");

/** Files of NVFP4: a scale beside every matrix, the output matrix's only where that is of the type. */
export const SCALES: readonly Variant[] = ofEach([...ARCHITECTURES], "scales", {
  scales: [...SCALED, "output"],
});
