import { MillraceError, messageOf } from '@millrace/core/errors.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import { httpGet } from '../local/http.ts';
import { shardValues } from '../local/shard-health.ts';
import type { Load, LoadMeter, ShardLoad } from './ports.ts';

/** Two looks are at least and at most so far apart: nobody waits for an hour. */
const lookMsMin = 1_000;
const lookMsMax = 60_000;

/**
 * What the consumers' own metrics say, at two moments: of what they read, not of what was refused. The only meter where
 * there is no CloudWatch, and the only one that knows events.
 */
export function createConsumerMeter(urls: string[], clock: Clock): LoadMeter {
  const texts = () => Promise.all(urls.map((url) => metricsOf(url)));
  return {
    async load(windowMs) {
      const first = shardValues((await texts()).join('\n'));
      const fromMs = clock.monotonic();
      await clock.sleep(Math.min(lookMsMax, Math.max(lookMsMin, windowMs)));
      const second = shardValues((await texts()).join('\n'));
      return second.size === 0 ? undefined : loadOf(first, second, (clock.monotonic() - fromMs) / 1000);
    },
    close: () => undefined,
  };
}

async function metricsOf(url: string): Promise<string> {
  try {
    const { status, body } = await httpGet(`${url.replace(/\/+$/, '')}/metrics`, 5_000);
    if (status === 200) return body;
    throw new Error(`status ${status}`);
  } catch (cause) {
    throw new MillraceError('STREAM_UNAVAILABLE', `metrics of the consumer at ${url}: ${messageOf(cause)}`, {
      hint: 'does it run? --consumer names its address',
      cause,
    });
  }
}

type Values = ReturnType<typeof shardValues>;

function loadOf(first: Values, second: Values, seconds: number): Load {
  const shards = new Map<string, ShardLoad>();
  for (const [shard, now] of second) {
    // A process that began anew counts from 0.
    const rate = (name: string) => {
      const value = now.get(name) ?? 0;
      return Math.max(0, value - (first.get(shard)?.get(name) ?? value)) / seconds;
    };
    shards.set(shard, {
      bytes: rate('millrace_shard_block_bytes_total'),
      records: rate('millrace_shard_records_total'),
      events: rate('millrace_shard_events_total'),
      throttled: 0,
      iteratorAgeMs: now.get('millrace_shard_iterator_age_ms'),
    });
  }
  const all = [...shards.values()];
  const sum = (of: (load: ShardLoad) => number) => all.reduce((total, load) => total + of(load), 0);
  const rate = {
    bytes: sum((load) => load.bytes),
    records: sum((load) => load.records),
    events: sum((load) => load.events ?? 0),
  };
  return {
    source: `the consumers' metrics, ${Math.round(seconds)} s`,
    peak: rate,
    mean: rate,
    throttled: 0,
    iteratorAgeMs: Math.max(0, ...all.map((load) => load.iteratorAgeMs ?? 0)),
    shards,
  };
}
