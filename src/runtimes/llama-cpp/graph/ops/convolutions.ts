import { contiguous, F16, F32, type Four, fourOf, GraphTensor } from "../tensor.ts";
import { mulMat } from "./products.ts";
import { reshape } from "./shapes.ts";

/* Convolutions over one dimension that keep its length, as products (llama.cpp 0.5.0 `ggml/src/ggml.c`). */

/** What each place of the kernel sees in one row, in 16 bits (`ggml_im2col`, one dimension, half padding). */
function imageToColumns(kernel: GraphTensor, x: GraphTensor): GraphTensor {
  const width = kernel.ne[0];
  const places = x.ne[0] + 2 * Math.floor(width / 2) - (width - 1);
  const type = kernel.type.name === "BF16" ? F32 : F16;
  const ne: Four = fourOf([kernel.ne[1] * width, places, x.ne[2]]);
  return new GraphTensor("IM2COL", type, ne, contiguous(type, ne), [kernel, x]);
}

/** Each channel out of all: kernel `[width, in, out]`, `[length, in]` to `[length, out]` (`ggml_conv_1d_ph`). */
export function convolution(kernel: GraphTensor, x: GraphTensor): GraphTensor {
  const columns = imageToColumns(kernel, x);
  const [inside, places, batches] = columns.ne;
  const product = mulMat(
    reshape(columns, inside, batches * places),
    reshape(kernel, kernel.ne[0] * kernel.ne[1], kernel.ne[2]),
  );
  return reshape(product, places, kernel.ne[2], batches);
}

/** Each channel out of itself: kernel `[width, 1, channels]` (`ggml_conv_1d_dw_ph`). */
export function depthwiseConvolution(kernel: GraphTensor, x: GraphTensor): GraphTensor {
  const columns = imageToColumns(kernel, reshape(x, x.ne[0], 1, x.ne[1], x.ne[2]));
  const product = mulMat(columns, kernel);
  return reshape(product, product.ne[0], product.ne[2], 1);
}
