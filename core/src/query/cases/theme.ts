import { emptyLeaves, writeLeaves } from '../../document/containers.ts';
import type { Fields } from '../../parse/parsed.ts';

/** Documents, and queries with the hits among them that every reader must find: the engines, and the matcher. */
export interface Theme {
  documents: MatchDocument[];
  /** A query, and the names of the documents that it finds, in the order of the list above. */
  cases: [query: string, hits: string[]][];
}

export interface MatchDocument {
  /** Unique among all themes; `id-NAME` is the document's id. */
  name: string;
  source: Record<string, unknown>;
}

/** The present of all queries. */
export const matchNowMs = Date.UTC(2026, 10, 22, 10, 30);

export function event(time: string, more: Record<string, unknown>): Record<string, unknown> {
  return { '@timestamp': time, tag: 'match', ...more };
}

/** An event of which only the message matters. */
export function line(name: string, message: string): MatchDocument {
  return { name, source: event('2026-11-20T12:00:00Z', { message }) };
}

/** A user's own fields with their containers, by the renderer itself. */
export function containers(fields: Fields): Record<string, unknown> {
  const leaves = emptyLeaves();
  writeLeaves(fields, leaves, { see: () => undefined });
  return JSON.parse(`{"fields":{${leaves.json}},"kv":[${leaves.kv}],"kn":[${leaves.kn}]}`) as Record<
    string,
    unknown
  >;
}
