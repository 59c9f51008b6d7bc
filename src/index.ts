export { inspectModel } from "./inspect.ts";
export * from "./public.ts";
