import { type Measured, measured } from '../plan/figures.ts';
import type { Rate } from './ports.ts';

/** What a shard takes. https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html */
export const shardLimits = {
  /** A second; AWS counts a megabyte in one or the other way, this is the smaller. */
  bytes: 1_000_000,
  records: 1_000,
  /** One process reads a shard: it cannot use more CPU than that. */
  cores: 1,
} as const;

/** Of a log line, where only bytes of blocks are known; `millrace plan` supposes the same. */
const lineBytes = 150;

/** Parts of what `shards` even shards take: 1 is all of it. */
export interface Use {
  bytes: number;
  records: number;
  cpu: number;
}

export function useOf(rate: Rate, shards: number, figures: Measured = measured): Use {
  return {
    bytes: rate.bytes / (shards * shardLimits.bytes),
    records: rate.records / (shards * shardLimits.records),
    cpu: coresOf(rate, figures) / (shards * shardLimits.cores),
  };
}

/** CPU of the consumer, cores. */
export function coresOf(rate: Rate, figures: Measured = measured): number {
  return (eventsOf(rate, figures) * figures.consumerUs) / 1e6;
}

/** Counted, or supposed of the bytes. */
export function eventsOf(rate: Rate, figures: Measured = measured): number {
  return rate.events ?? (rate.bytes * figures.ratio) / lineBytes;
}

export interface Sizing {
  shards: number;
  because: 'bytes' | 'records' | 'cpu' | 'least';
  /** Shards that each limit alone asks for. */
  by: Use;
}

/** Shards of which `rate` uses `target` at most (0 to 1), by all three limits. */
export function shardsFor(rate: Rate, target: number, figures: Measured = measured): Sizing {
  const use = useOf(rate, 1, figures);
  const by = {
    bytes: Math.ceil(use.bytes / target),
    records: Math.ceil(use.records / target),
    cpu: Math.ceil(use.cpu / target),
  };
  const shards = Math.max(1, by.bytes, by.records, by.cpu);
  const because = (['bytes', 'records', 'cpu'] as const).find((limit) => by[limit] === shards) ?? 'least';
  return { shards, because, by };
}
