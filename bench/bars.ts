/** What a client took, medians: milliseconds, bytes, requests on the wire (a redirect is one of its own). */
export type Row = {
  readonly repo: string;
  readonly client: string;
  readonly files: number;
  readonly headerBytes: number;
  readonly requests: number;
  readonly logicalRequests: number;
  readonly bytes: number;
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly rssBytes: number;
  readonly retainedBytes: number;
  readonly importMs: number;
  readonly diskFirstMs: number;
  readonly diskWarmMs: number;
  readonly diskRssBytes: number;
};

export type Rows = (client: string) => Row | undefined;

/** A promise of the project, held against what was measured. */
export type Bar = {
  readonly repo: string;
  readonly text: string;
  readonly most: number;
  readonly measured: (rows: Rows, own: Row) => number;
};

/** The least of the peers; NaN where none was measured. */
function best(rows: Rows, peers: readonly string[], of: (row: Row) => number): number {
  const values = peers.flatMap((peer) => rows(peer) ?? []).map(of);
  return values.length === 0 ? Number.NaN : Math.min(...values);
}

const PEERS = ["@huggingface/gguf", "node-llama-cpp", "hyllama", "@huggingface/hub"] as const;

const wallOfFloor = (repo: string, most: number): Bar => ({
  repo,
  text: "wall / floor",
  most,
  measured: (rows, own) => own.wallMs / (rows("floor")?.wallMs ?? Number.NaN),
});
const wallOfPeers = (repo: string): Bar => ({
  repo,
  text: "wall / fastest peer",
  most: 1,
  measured: (rows, own) => own.wallMs / best(rows, PEERS, (row) => row.wallMs),
});
const bytesOfHeader = (repo: string, most: number): Bar => ({
  repo,
  text: "bytes / header",
  most,
  measured: (_, own) => own.bytes / own.headerBytes,
});
const requestsPerFile = (repo: string, most: number, beside: number): Bar => ({
  repo,
  text: "logical requests / file",
  most,
  // Beside the weights: the listing, and config.json where there is one.
  measured: (_, own) => (own.logicalRequests - beside) / own.files,
});

const GGUF = [
  ["llama3-8b", 1.05],
  ["gemma3-1b", 1.05],
  ["deepseek-v3", 1.05],
  ["deepseek-v3-split", 1.25],
] as const;
const SAFETENSORS = [
  ["llama3-1b-st", 1.3],
  ["llama3-8b-st", 1.3],
  ["deepseek-v3-st", 1.25],
] as const;

export const BARS: readonly Bar[] = [
  ...GGUF.flatMap(([repo, bytes]) => [
    bytesOfHeader(repo, bytes),
    wallOfFloor(repo, 1.15),
    requestsPerFile(repo, 1, 1),
    wallOfPeers(repo),
  ]),
  ...SAFETENSORS.flatMap(([repo, wall]) => [wallOfFloor(repo, wall), requestsPerFile(repo, 1.1, 2), wallOfPeers(repo)]),
  { repo: "llama3-8b", text: "local first call, ms", most: 40, measured: (_, own) => own.diskFirstMs },
  {
    repo: "llama3-8b",
    text: "local first call / fastest peer",
    most: 1 / 8,
    measured: (rows, own) => own.diskFirstMs / best(rows, PEERS, (row) => row.diskFirstMs),
  },
  {
    repo: "llama3-8b",
    text: "local peak memory / best peer",
    most: 1 / 3,
    measured: (rows, own) => own.diskRssBytes / best(rows, PEERS, (row) => row.diskRssBytes),
  },
  { repo: "llama3-8b", text: "import, ms", most: 25, measured: (_, own) => own.importMs },
];
