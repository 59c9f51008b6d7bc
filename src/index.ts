export { inspectModel, readMetadataArray } from "./inspect.ts";
export * from "./public.ts";
