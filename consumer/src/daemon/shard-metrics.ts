import type { Clock } from '@millrace/core/runtime/clock.ts';

/** One metric as prom-client's `getMetricsAsJSON` gives it. */
interface Metric {
  name: string;
  help: string;
  type: string;
  values: { value: number; labels: Record<string, string | number> }[];
}

/** What a shard's process reports through its log every few seconds. */
export interface ShardStatus {
  event: 'shard_status';
  shard: string;
  pid: number;
  metrics: Metric[];
  /** The process ends because the daemon wants it to. */
  leaving?: boolean;
}

/** A shard that was silent for this long is somebody else's now. */
const silentMsMax = 30_000;

/**
 * The shards' metrics, gathered from their log lines: their processes come and go with the leases, have no ports,
 * and their only way out is the log that passes through the daemon.
 */
export class ShardMetrics {
  readonly #clock: Clock;
  readonly #latest = new Map<string, { status: ShardStatus; atMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** True when the line is a status report and was taken. */
  take(line: string): boolean {
    if (!line.startsWith('{"event":"shard_status"')) return false;
    try {
      const status = JSON.parse(line) as ShardStatus;
      if (typeof status.shard !== 'string' || !Array.isArray(status.metrics)) return false;
      if (status.leaving !== true) this.#latest.set(status.shard, { status, atMs: this.#clock.monotonic() });
      else if (this.#latest.get(status.shard)?.status.pid === status.pid) this.#latest.delete(status.shard);
      return true;
    } catch {
      return false; // cut short by a process that was killed: an ordinary line
    }
  }

  /** Shards that reported lately. */
  shards(): string[] {
    this.#forgetSilent();
    return [...this.#latest.keys()].sort();
  }

  /** Whether a process of a shard that reported lately still runs. */
  anyAlive(): boolean {
    this.#forgetSilent();
    return [...this.#latest.values()].some(({ status }) => isAlive(status.pid));
  }

  /** A shard whose process is gone without having been told to go. */
  crashed(): string | undefined {
    for (const { status } of this.#latest.values()) if (!isAlive(status.pid)) return status.shard;
    return undefined;
  }

  /** Another daemon begins: nothing is known of its shards. */
  clear(): void {
    this.#latest.clear();
  }

  /** Prometheus text: each metric once, one line per shard. */
  text(): string {
    this.#forgetSilent();
    const byName = new Map<string, { metric: Metric; lines: string[] }>();
    for (const { status } of this.#latest.values()) {
      for (const metric of status.metrics) {
        const entry = byName.get(metric.name) ?? { metric, lines: [] };
        byName.set(metric.name, entry);
        for (const { value, labels } of metric.values) {
          entry.lines.push(`${metric.name}${labelText({ ...labels, shard: status.shard })} ${value}`);
        }
      }
    }
    return [...byName.values()]
      .map(({ metric, lines }) =>
        [`# HELP ${metric.name} ${metric.help}`, `# TYPE ${metric.name} ${metric.type}`, ...lines, ''].join(
          '\n',
        ),
      )
      .join('');
  }

  #forgetSilent(): void {
    const nowMs = this.#clock.monotonic();
    for (const [shard, { atMs }] of this.#latest) {
      if (nowMs - atMs > silentMsMax) this.#latest.delete(shard);
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function labelText(labels: Record<string, string | number>): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) =>
      `${name}="${String(value).replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`,
  );
  return `{${pairs.join(',')}}`;
}
