/** The next multiple of `granularity`. Exact for every safe integer (no 32-bit arithmetic). */
export function padTo(value: number, granularity: number): number {
  return Math.ceil(value / granularity) * granularity;
}
