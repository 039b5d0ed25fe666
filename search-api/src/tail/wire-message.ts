import type { Access } from '../access/access.ts';
import { failureOf } from '../failure.ts';
import { hitOf } from '../hit.ts';
import type { Handled } from './handled.ts';
import { encodeTailCursor, type TailQuery } from './tail-cursor.ts';
import type { TailMessage } from './viewer.ts';

/** A message as clients get it. */
export interface WireMessage {
  type: TailMessage['type'];
  /** Where to go on behind it; absent for an error. */
  cursor?: string;
  body: Record<string, unknown>;
}

/** Nothing of a document leaves but by `hitOf`. */
export function wireMessage(message: TailMessage, access: Access, query: TailQuery): WireMessage {
  const { type } = message;
  if (message.type === 'error') return { type, body: failureOf(message.error).body.error };
  const at = cursorOf(message.at, query);
  if (message.type === 'hits')
    return { type, ...at, body: { hits: message.arrivals.map(({ hit }) => hitOf(hit, access)) } };
  if (message.type === 'skipped') {
    const { count, reason, fromMs, toMs } = message.skip;
    return { type, ...at, body: { count, reason, from: isoOf(fromMs), to: isoOf(toMs) } };
  }
  const { phase, store, lagMs } = message.state;
  return { type, ...at, body: { phase, store, lag_ms: lagMs ?? null } };
}

/** One event of a `text/event-stream`. */
export function eventText({ type, cursor, body }: WireMessage): string {
  const id = cursor === undefined ? '' : `id: ${cursor}\n`;
  return `event: ${type}\n${id}data: ${JSON.stringify(body)}\n\n`;
}

/** One message of the WebSocket. */
export function socketText({ type, cursor, body }: WireMessage): string {
  return JSON.stringify({ type, ...body, ...(cursor === undefined ? {} : { cursor }) });
}

function cursorOf(at: Handled | undefined, query: TailQuery): { cursor?: string } {
  return at === undefined ? {} : { cursor: encodeTailCursor(at, query) };
}

function isoOf(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
