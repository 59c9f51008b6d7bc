/** The release whose source the rules of this folder were read from, and which their tests ran on mlx 0.32.4. */
export const MLX_LM_VERSION = "0.32.2";
