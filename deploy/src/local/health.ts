import type { Clock } from '@millrace/core/runtime/clock.ts';
import { httpGet } from './http.ts';
import { isAlive } from './identity.ts';
import { metricValues } from './metrics.ts';
import type { RunFile } from './run-file.ts';
import { type ShardHealth, shardHealth } from './shard-health.ts';

/** One part of a running stack as it is now. */
export interface PartHealth {
  name: string;
  pid: number | undefined;
  port: number | undefined;
  /** `ok`; else `starting`, `not ready`, `no answer` or `not running`. */
  health: string;
  uptime_s: number | undefined;
  restarts: number;
  /** What is behind: bytes in files for the agent, milliseconds for the consumer. */
  lag: { value: number; unit: 'bytes' | 'ms' } | undefined;
  /** Over the last second: bytes read by the agent, events indexed by the consumer. */
  throughput: { value: number; unit: 'bytes/s' | 'events/s' } | undefined;
  /** Of the consumer: the shards that it processes. */
  shards: ShardHealth[] | undefined;
}

/** The metrics that say how a part is doing, by its name. Of shards the one that is furthest behind counts. */
const measures: Record<
  string,
  { lag: [string, 'bytes' | 'ms']; throughput: [string, 'bytes/s' | 'events/s'] } | undefined
> = {
  agent: {
    lag: ['millrace_agent_lag_bytes', 'bytes'],
    throughput: ['millrace_agent_bytes_read_total', 'bytes/s'],
  },
  consumer: {
    lag: ['millrace_shard_iterator_age_ms', 'ms'],
    throughput: ['millrace_shard_events_indexed_total', 'events/s'],
  },
};

/** Asks every part of a run; takes about a second, in which throughput is measured. */
export async function readHealth(run: RunFile, clock: Clock): Promise<PartHealth[]> {
  return Promise.all(run.parts.map((part) => partHealth(part, clock)));
}

async function partHealth(part: RunFile['parts'][number], clock: Clock): Promise<PartHealth> {
  const port = part.ports[0];
  const alive = part.identity !== undefined && isAlive(part.identity);
  const measured = alive && port !== undefined ? await measure(part.name, port, clock) : undefined;
  return {
    name: part.name,
    pid: alive ? part.pid : undefined,
    port,
    health: await healthOf(part, alive),
    uptime_s:
      alive && part.readySince !== undefined ? Math.round((clock.now() - part.readySince) / 1000) : undefined,
    restarts: part.restarts,
    lag: measured?.lag,
    throughput: measured?.throughput,
    shards: measured?.shards,
  };
}

async function healthOf(part: RunFile['parts'][number], alive: boolean): Promise<string> {
  if (!alive) return 'not running';
  if (part.state !== 'ready') return part.state;
  const port = part.ports[0];
  if (port === undefined) return 'ok';
  const own = ['agent', 'consumer', 'search-api'].includes(part.name);
  const path = own ? 'readyz' : part.name === 'opensearch' ? '_cluster/health' : '';
  try {
    const { status } = await httpGet(`http://127.0.0.1:${port}/${path}`);
    // The stand-ins refuse an unsigned GET, which shows that they answer.
    return status < 400 || (!own && status < 500) ? 'ok' : 'not ready';
  } catch {
    return 'no answer';
  }
}

async function measure(
  name: string,
  port: number,
  clock: Clock,
): Promise<Pick<PartHealth, 'lag' | 'throughput' | 'shards'> | undefined> {
  const wanted = measures[name];
  if (wanted === undefined) return undefined;
  const url = `http://127.0.0.1:${port}/metrics`;
  try {
    const firstText = (await httpGet(url)).body;
    const first = metricValues(firstText);
    const from = clock.monotonic();
    await clock.sleep(1000);
    const secondText = (await httpGet(url)).body;
    const second = metricValues(secondText);
    const seconds = (clock.monotonic() - from) / 1000;
    const [lagName, lagUnit] = wanted.lag;
    const [countName, countUnit] = wanted.throughput;
    const lags = second.get(lagName);
    const [before, after] = [sum(first.get(countName)), sum(second.get(countName))];
    const known = before !== undefined && after !== undefined;
    return {
      lag: lags === undefined ? undefined : { value: Math.max(...lags), unit: lagUnit },
      throughput: known
        ? { value: Math.max(0, Math.round((after - before) / seconds)), unit: countUnit }
        : undefined,
      shards: name === 'consumer' ? shardHealth(firstText, secondText, seconds) : undefined,
    };
  } catch {
    return undefined; // its health says that it does not answer
  }
}

function sum(values: number[] | undefined): number | undefined {
  return values?.reduce((total, value) => total + value, 0);
}
