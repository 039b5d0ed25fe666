import type { Clock } from '@millrace/core/runtime/clock.ts';
import { isAlive, startOf } from './alive.ts';

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

/** A shard without a process that was silent for this long is somebody else's now. */
const silentMsMax = 30_000;
/** A process that says nothing for this long hangs: each says something every two seconds. */
const hungMsMax = 60_000;
/** Who looks does it every second; when he was away himself (a paused machine), so were they. */
const awayMsMax = 5_000;

/**
 * The shards' metrics, gathered from their log lines: their processes come and go with the leases, have no ports,
 * and their only way out is the log that passes through the daemon.
 */
export class ShardMetrics {
  readonly #clock: Clock;
  readonly #latest = new Map<string, { status: ShardStatus; atMs: number }>();
  /** Of every process that reported, and when it started: pids are used again, and these may be killed. */
  readonly #pids = new Map<number, string | undefined>();
  readonly #startOf: (pid: number) => string | undefined;
  #lookedMs = 0;

  constructor(clock: Clock, processStart = startOf) {
    this.#clock = clock;
    this.#startOf = processStart;
  }

  /** True when the line is a status report and was taken. */
  take(line: string): boolean {
    if (!line.startsWith('{"event":"shard_status"')) return false;
    try {
      const status = JSON.parse(line) as ShardStatus;
      if (typeof status.shard !== 'string' || !Array.isArray(status.metrics)) return false;
      this.#pids.set(status.pid, this.#startOf(status.pid));
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

  /** Processes that reported and still run. */
  pids(): number[] {
    for (const [pid, start] of this.#pids) {
      if (!isAlive(pid) || this.#startOf(pid) !== start) this.#pids.delete(pid);
    }
    return [...this.#pids.keys()];
  }

  /** A process that runs and says nothing any more. */
  hung(): { shard: string; pid: number } | undefined {
    const nowMs = this.#clock.monotonic();
    const away = nowMs - this.#lookedMs > awayMsMax;
    this.#lookedMs = nowMs;
    for (const entry of this.#latest.values()) {
      const { shard, pid } = entry.status;
      if (away) entry.atMs = nowMs;
      else if (nowMs - entry.atMs > hungMsMax && isAlive(pid)) return { shard, pid };
    }
    return undefined;
  }

  /** A shard whose process is gone without having been told to go. */
  crashed(): string | undefined {
    for (const { status } of this.#latest.values()) if (!isAlive(status.pid)) return status.shard;
    return undefined;
  }

  /** Another daemon begins: nothing is known of its shards. */
  clear(): void {
    this.#latest.clear();
    this.#pids.clear();
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
    for (const [shard, { atMs, status }] of this.#latest) {
      if (nowMs - atMs > silentMsMax && !isAlive(status.pid)) this.#latest.delete(shard);
    }
  }
}

function labelText(labels: Record<string, string | number>): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) =>
      `${name}="${String(value).replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`,
  );
  return `{${pairs.join(',')}}`;
}
