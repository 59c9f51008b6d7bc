export { inspectModel } from "./inspect-browser.ts";
export * from "./public.ts";
