export { inspectAll, inspectModel, inspectModels, readMetadataArray } from "./inspect.ts";
export * from "./public.ts";
