import type { Dsl } from '@millrace/core/store/port.ts';

/** Events stamped after `ms`, and up to `toMs`; milliseconds since 1970. */
export function ingestedAfter(ms: number, toMs?: number): Dsl {
  const lte = toMs === undefined ? {} : { lte: new Date(toMs).toISOString() };
  return { range: { 'event.ingested': { gt: new Date(ms).toISOString(), ...lte } } };
}
