/** How a kernel of CUDA's flash attention cuts its work: what decides on the blocks of threads that run at once. */
export type AttentionTiles = {
  readonly threads: number;
  /** Blocks on a multiprocessor that the kernel is compiled for. */
  readonly blocks: number;
  /** Cells that are read in one step. */
  readonly cells: number;
  /** Pairs of 16-bit numbers of a key, of a value and of the result that are held at once. */
  readonly key: number;
  readonly value: number;
  readonly combined: number;
  /** Steps that are read ahead. */
  readonly stages: number;
  readonly holdsQueries: boolean;
};

/**
 * By sizes of keys and values and columns of a tile (llama.cpp 0.5.0 `ggml/src/ggml-cuda/fattn-mma-f16.cuh:41`,
 * ggml_cuda_fattn_mma_get_config_ampere).
 */
const ROWS = `
  64 64: 8 128 2 128 32 32 32 2 1, 16 128 2 64 32 32 32 2 1, 32 128 2 64 32 32 32 2 1, 64 128 2 64 32 32 32 2 1
  80 80: 8 128 2 128 40 40 40 2 1, 16 128 2 64 40 40 40 2 1, 32 128 2 64 40 40 40 2 1, 64 128 2 64 40 40 40 2 1
  96 96: 8 128 2 128 48 48 48 2 1, 16 128 2 64 48 48 48 2 1, 32 128 2 64 48 48 48 2 1, 64 128 2 64 48 48 48 2 1
  112 112: 8 128 2 128 56 56 56 2 1, 16 128 2 64 56 56 56 2 1, 32 128 2 64 56 56 56 2 1, 64 128 2 64 56 56 56 2 1
  128 128: 8 128 2 128 64 64 64 2 1, 16 128 2 64 64 64 64 2 1, 32 128 2 64 64 64 64 2 1, 64 128 2 64 64 64 64 2 1
  192 128: 8 64 4 64 96 64 64 2 1, 16 64 4 32 96 64 64 2 1, 32 128 2 32 96 64 64 2 1, 64 128 2 32 96 64 64 2 1
  256 256: 8 128 2 64 128 128 128 2 1, 16 256 1 64 128 128 128 2 1, 32 128 2 32 128 128 128 2 1, 64 128 2 32 128 128 128 2 1
  320 256: 32 128 2 32 128 128 128 1 0, 64 256 1 32 128 128 128 1 0
  512 512: 8 128 2 64 128 128 128 1 0, 16 256 1 64 128 128 128 1 0, 32 256 1 32 128 128 128 1 0, 64 256 1 32 128 128 128 1 0
  576 512: 8 64 4 32 288 256 128 1 0, 16 64 4 32 288 256 128 1 0, 32 128 2 32 160 128 128 1 0, 64 256 1 32 160 128 128 1 0`;

const TILES: ReadonlyMap<string, AttentionTiles> = new Map(
  ROWS.trim()
    .split("\n")
    .flatMap((row) => {
      const [sizes = "", cases = ""] = row.split(":");
      return cases.split(",").map((each): [string, AttentionTiles] => {
        const [columns, threads = 0, blocks = 0, cells = 0, key = 0, value = 0, combined = 0, stages = 0, holds] = each
          .trim()
          .split(" ")
          .map(Number);
        return [
          `${sizes.trim()} ${columns}`,
          { threads, blocks, cells, key, value, combined, stages, holdsQueries: holds === 1 },
        ];
      });
    }),
);

/** How heads of these sizes are attended in tiles of so many columns: 8, 16, 32 or 64. */
export function attentionTiles(keyDim: number, valueDim: number, columns: number): AttentionTiles | undefined {
  return TILES.get(`${keyDim} ${valueDim} ${columns}`);
}
