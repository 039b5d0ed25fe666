/** What was measured, by `./millrace bench` (bench/RESULTS.md), on access-log lines of 147 bytes. */
export interface Measured {
  /** CPU of the consumer (daemon, children, archive), microseconds a document. */
  consumerUs: number;
  /** Bytes of an index a document, merged, with everything it holds. */
  storeBytes: number;
  /** CPU of the store, microseconds a document and copy. */
  storeUs: number;
  /** Bytes of a block of a busy server. */
  blockBytes: number;
  /** Log bytes over archive bytes. */
  ratio: number;
  /** Bytes of a document as a line of NDJSON, gzipped: `writeNdjson` over 100,000 of these lines. */
  ndjsonBytes: number;
  /** What a node with 8 vCPU and 32 GB holds comfortably. */
  storeGbPerNode: number;
}

export const measured: Measured = {
  consumerUs: 10.6,
  storeBytes: 207,
  storeUs: 46,
  blockBytes: 160_000,
  ratio: 6,
  ndjsonBytes: 60,
  storeGbPerNode: 1_500,
};

/** List prices of us-east-1 in US dollars, on demand, as published in 2026; `--price NAME=VALUE` puts others in place. */
export const prices = {
  shardHour: 0.015,
  millionPutUnits: 0.014,
  kinesisUnitBytes: 25_000,
  /** 2 vCPU, 8 GB, such as m7g.large. */
  workerHour: 0.0816,
  storeGbMonth: 0.08,
  /** 8 vCPU, 32 GB, such as m7g.2xlarge. */
  storeNodeHour: 0.3264,
  s3GbMonth: 0.023,
  thousandPuts: 0.005,
  /** Fargate on ARM, a vCPU and a GB of memory: aws.amazon.com/fargate/pricing, as of March 2026. */
  fargateCoreHour: 0.03238,
  fargateGbHour: 0.00356,
  /** An interface endpoint in one zone: aws.amazon.com/privatelink/pricing, as of June 2026. */
  endpointHour: 0.01,
  /** An application load balancer, without what it carries: aws.amazon.com/elasticloadbalancing/pricing. */
  balancerHour: 0.0225,
  /** A custom metric, each of the first 10,000, and a GB into CloudWatch Logs: aws.amazon.com/cloudwatch/pricing. */
  metricMonth: 0.3,
  logGb: 0.5,
  /** A TB that queries read: aws.amazon.com/athena/pricing. */
  athenaTb: 5,
  /** Lambda on x86: aws.amazon.com/lambda/pricing. */
  lambdaGbSecond: 0.0000166667,
};

export type Prices = typeof prices;
