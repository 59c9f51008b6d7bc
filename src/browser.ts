export { inspectModel, readMetadataArray } from "./inspect-browser.ts";
export * from "./public.ts";
