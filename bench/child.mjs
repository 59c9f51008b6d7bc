// One sample of weighin in a process of its own, measured as the rig measures the peers: import apart, then one call.
//   node --expose-gc bench/child.mjs '{"source": "...", "endpoint": "..."}' [--warm]
const { source, endpoint } = JSON.parse(process.argv[2]);
const importStart = performance.now();
const { inspectModel } = await import("../dist/index.js");
const importMs = performance.now() - importStart;
const options = endpoint === undefined ? {} : { endpoint };
globalThis.gc?.();
const before = process.memoryUsage();
const cpuStart = process.cpuUsage();
const start = performance.now();
const model = await inspectModel(source, options);
const wall = performance.now() - start;
const cpu = process.cpuUsage(cpuStart);
const rssPeak = process.resourceUsage().maxRSS * 1024;
globalThis.gc?.();
const after = process.memoryUsage();
const warm = [];
for (let run = 0; process.argv.includes("--warm") && run < 5; run++) {
  const again = performance.now();
  await inspectModel(source, options);
  warm.push(performance.now() - again);
}
console.log(
  JSON.stringify({
    wall,
    cpu: (cpu.user + cpu.system) / 1000,
    warm: warm.sort((a, b) => a - b)[2],
    importMs,
    rssGrowth: rssPeak - before.rss,
    retained: after.heapUsed + after.external - before.heapUsed - before.external,
    tensors: model.tensors.length,
    logicalRequests: model.source.requests,
  }),
);
process.exit(0);
