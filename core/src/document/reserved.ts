import type { FieldValue } from '../parse/parsed.ts';
import { normalLevel } from './level.ts';

/**
 * Top-level names of a document; all of them are Millrace's. A record's own fields are under `fields` whatever they
 * are called, so none can take the place of one of these (D10).
 */
export const reservedNames = [
  '@timestamp',
  'message',
  'tag',
  'stream',
  'host',
  'log',
  'service',
  'trace',
  'http',
  'url',
  'source',
  'user',
  'user_agent',
  'fields',
  'kv',
  'kn',
  'error',
  'event',
] as const;

/** Of them, what is derived from `fields` for the index alone: no answer has them. */
export const derivedNames = ['kv', 'kn'] as const;

/** What is taken over from a record's own fields, where their names leave no doubt; they stay in `fields`. */
export interface WellKnown {
  level: string | undefined;
  service: string | undefined;
  trace: string | undefined;
}

/** Dotted names by slot; the first that is there wins. `service: {name}` and `"service.name"` are one name. */
const sources: Record<keyof WellKnown, string[]> = {
  level: ['log.level', 'level', 'severity'],
  service: ['service.name', 'service'],
  trace: ['trace.id', 'trace_id', 'traceId'],
};

const ranks = new Map<string, { slot: keyof WellKnown; rank: number }>();
for (const slot of Object.keys(sources) as (keyof WellKnown)[]) {
  for (const [rank, name] of sources[slot].entries()) ranks.set(name, { slot, rank });
}

const textMax = 256;

/** Gathers well-known values while leaves are written; `base` values (added by the rule) stand whatever comes. */
export class WellKnownCollector {
  readonly found: WellKnown;
  private readonly best: Record<keyof WellKnown, number>;

  constructor(base?: WellKnown) {
    this.found = base ? { ...base } : { level: undefined, service: undefined, trace: undefined };
    const rankOf = (value: string | undefined) => (value === undefined ? Number.POSITIVE_INFINITY : -1);
    this.best = {
      level: rankOf(this.found.level),
      service: rankOf(this.found.service),
      trace: rankOf(this.found.trace),
    };
  }

  see(name: string, value: FieldValue): void {
    const source = ranks.get(name);
    if (source === undefined || source.rank >= this.best[source.slot]) return;
    const taken = source.slot === 'level' ? normalLevel(value) : shortText(value);
    if (taken === undefined) return;
    this.found[source.slot] = taken;
    this.best[source.slot] = source.rank;
  }
}

function shortText(value: FieldValue): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= textMax ? value : undefined;
}
