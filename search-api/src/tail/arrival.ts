import { hash } from 'node:crypto';
import type { SearchHit } from '@millrace/core/store/port.ts';

/** An event as it arrived in the store. All viewers share it. */
export interface Arrival {
  /** `event.ingested`, milliseconds since 1970. */
  ms: number;
  /** Short name of the event in cursors. */
  key: string;
  hit: SearchHit;
  /** Rough size of the document. */
  bytes: number;
}

/** 48 bits of a digest, so that a cursor can name hundreds of events: ids of 35 characters are alike where logs are. */
export function keyOf(id: string): string {
  return hash('sha256', id, 'base64url').slice(0, keyLength);
}

export const keyLength = 8;

export function arrivalOf(hit: SearchHit): Arrival {
  return { ms: ingestedMs(hit), key: keyOf(hit.id), hit, bytes: roughBytes(hit.source) };
}

/** NaN for a document that says nothing of it; ours do. */
export function ingestedMs({ source }: SearchHit): number {
  const { event } = source as { event?: { ingested?: unknown } };
  return Date.parse(String(event?.ingested));
}

/** What is long in a document is its text. */
function roughBytes(value: unknown): number {
  if (typeof value === 'string') return value.length + 16;
  if (typeof value !== 'object' || value === null) return 16;
  let bytes = 32;
  for (const item of Object.values(value)) bytes += roughBytes(item);
  return bytes;
}
