export { inspectAll, inspectModel, inspectModels, readMetadataArray } from "./inspect-browser.ts";
export * from "./public.ts";
