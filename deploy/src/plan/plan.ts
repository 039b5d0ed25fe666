import { type Measured, measured, type Prices, prices } from './figures.ts';

/** What is to be carried. */
export interface Load {
  gbPerDay: number;
  /** Bytes of a line, on average. */
  lineBytes: number;
  servers: number;
  /** The busiest hour over the average one. */
  peak: number;
  hotDays: number;
  archiveDays: number;
  /** Copies of an index besides the first. */
  replicas: number;
  /** Log bytes over archive bytes. */
  ratio: number;
}

/** What it takes; bytes are powers of ten, money is US dollars a month of 730 hours. */
export interface Plan {
  linesPerSecond: number;
  linesPerSecondPeak: number;
  streamMbPerSecondPeak: number;
  recordsPerSecond: number;
  shards: number;
  shardsBecause: string;
  consumerCores: number;
  workers: number;
  storeGb: number;
  storeDocuments: number;
  storeNodes: number;
  archiveGb: number;
  archiveObjectsPerDay: number;
  cost: { part: string; perMonth: number; how: string }[];
  total: number;
}

export const secondsPerDay = 86_400;
const hoursPerMonth = 730;
/** Kinesis takes 1 MB/s and 1,000 records/s a shard; a fifth is left free for uneven minutes. */
const shardMbPerSecond = 0.8;
const shardRecordsPerSecond = 800;
/** Cores of one consumer worker that shards share. */
const workerCores = 2;
/** CPU of a worker that may be in use at the peak: the rest catches up after an outage. */
const workerUse = 0.6;
/** Cores of one node of the store, and how much of them indexing may use at the peak: searches take the rest. */
const nodeCores = 8;
const nodeUse = 0.5;

/** Figures are measured ones, see `figures.ts`; what a shard or a worker may carry leaves room to catch up. */
export function plan(load: Load, figures: Measured = measured, price: Prices = prices): Plan {
  const bytesPerDay = load.gbPerDay * 1e9;
  const linesPerSecond = bytesPerDay / load.lineBytes / secondsPerDay;
  const linesPerSecondPeak = linesPerSecond * load.peak;
  const archivedPerDay = bytesPerDay / load.ratio;
  const streamMbPerSecondPeak = (archivedPerDay / secondsPerDay / 1e6) * load.peak;
  // A busy server fills blocks; a quiet one sends one a second, and nothing between two lines.
  const perServer = Math.max(
    Math.min(1, linesPerSecond / load.servers),
    archivedPerDay / load.servers / secondsPerDay / figures.blockBytes,
  );
  const recordsPerSecond = perServer * load.servers;
  const consumerCores = (linesPerSecondPeak * figures.consumerUs) / 1e6 / workerUse;
  const byBytes = Math.ceil(streamMbPerSecondPeak / shardMbPerSecond);
  const byRecords = Math.ceil((recordsPerSecond * load.peak) / shardRecordsPerSecond);
  // One Node process a shard: a shard cannot use more than a core.
  const byCpu = Math.ceil(consumerCores);
  const shards = Math.max(byBytes, byRecords, byCpu, 1);
  const workers = Math.max(2, Math.ceil(consumerCores / workerCores));
  const documents = linesPerSecond * secondsPerDay * load.hotDays;
  const storeGb = (documents * figures.storeBytes * (1 + load.replicas)) / 1e9;
  const storeCores = (linesPerSecondPeak * (1 + load.replicas) * figures.storeUs) / 1e6;
  const storeNodes = Math.max(
    2,
    Math.ceil(storeGb / figures.storeGbPerNode),
    Math.ceil(storeCores / nodeUse / nodeCores),
  );
  const archiveGb = (archivedPerDay * load.archiveDays) / 1e9;
  // Closed by size or after five minutes, whichever comes first.
  const objectsPerDay = Math.max(archivedPerDay / 64e6, shards * (secondsPerDay / 300));
  const base = { linesPerSecond, linesPerSecondPeak, streamMbPerSecondPeak, recordsPerSecond, shards };
  const becauses = [
    [byCpu, `the consumer's CPU at the peak (${consumerCores.toFixed(1)} cores)`],
    [byBytes, `${streamMbPerSecondPeak.toFixed(1)} MB/s at the peak`],
    [byRecords, `${Math.round(recordsPerSecond * load.peak)} records/s at the peak`],
  ] as const;
  const cost = costs(
    { load, shards, workers, storeGb, storeNodes, archiveGb, objectsPerDay, recordsPerSecond },
    price,
  );
  return {
    ...base,
    shardsBecause: becauses.find(([count]) => count === shards)?.[1] ?? 'one is the least',
    consumerCores,
    workers,
    storeGb,
    storeDocuments: documents,
    storeNodes,
    archiveGb,
    archiveObjectsPerDay: objectsPerDay,
    cost,
    total: cost.reduce((sum, { perMonth }) => sum + perMonth, 0),
  };
}

interface Sizes {
  load: Load;
  shards: number;
  workers: number;
  storeGb: number;
  storeNodes: number;
  archiveGb: number;
  objectsPerDay: number;
  recordsPerSecond: number;
}

function costs(sizes: Sizes, price: Prices): Plan['cost'] {
  const { load, shards, workers, storeGb, storeNodes, archiveGb, objectsPerDay, recordsPerSecond } = sizes;
  const units = Math.max(
    recordsPerSecond,
    (load.gbPerDay * 1e9) / load.ratio / secondsPerDay / price.kinesisUnitBytes,
  );
  const parts: [string, number, string][] = [
    ['Kinesis', shards * hoursPerMonth * price.shardHour, `${shards} shards, provisioned`],
    ['Kinesis puts', (units * secondsPerDay * 30.4 * price.millionPutUnits) / 1e6, '25 KB units'],
    ['consumer', workers * hoursPerMonth * price.workerHour, `${workers} × 2 vCPU`],
    ['store', storeGb * price.storeGbMonth, `${Math.round(storeGb)} GB on disk; its CPU is in nodes, below`],
    ['store nodes', storeNodes * hoursPerMonth * price.storeNodeHour, `${storeNodes} × ${nodeCores} vCPU`],
    ['S3', archiveGb * price.s3GbMonth, `${Math.round(archiveGb)} GB when full`],
    [
      'S3 puts',
      (objectsPerDay * 30.4 * price.thousandPuts) / 1e3,
      `${Math.round(objectsPerDay)} objects a day`,
    ],
  ];
  return parts.map(([part, perMonth, how]) => ({ part, perMonth, how }));
}
