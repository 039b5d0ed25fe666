/** What `<system>` says of how the agent is watched and held back; absent is off. Times in milliseconds, sizes in bytes. */
export interface Operating {
  /** `/healthz` is red when nothing has moved for this long. */
  noProgressMs?: number;
  /** How often the stream is told what the agent sees. */
  heartbeatMs?: number;
  /** Share of one core, 0.2 for 20 %. */
  cpuShare?: number | undefined;
  memoryBytes?: number | undefined;
  readBytesPerSecond?: number | undefined;
  statsd?: StatsdSettings | undefined;
  emf?: EmfSettings | undefined;
}

export interface StatsdSettings {
  host: string;
  port: number;
  intervalMs: number;
  /** Labels as DogStatsD's tags; else they are part of the names. */
  tags: boolean;
}

export interface EmfSettings {
  /** `stdout`, or where an agent of CloudWatch listens. */
  to: 'stdout' | { protocol: 'tcp' | 'udp'; host: string; port: number };
  intervalMs: number;
  namespace: string;
  logGroup: string;
}
