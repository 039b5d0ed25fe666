import { actionBytesMax } from '@millrace/core/store/action.ts';
import type { MarkException } from '@millrace/core/store/port.ts';
import { fallbackDocument } from './fallback.ts';
import type { Entry } from './queue.ts';

/** What became of a request's documents, for one event each instead of one per document. */
export interface Tally {
  created: number;
  existing: number;
  deferred: Entry[];
  /** Of the deferred: those that were too much for the store. */
  overload: number;
  /** Of the deferred: those whose index is blocked. */
  blocked: number;
  deferredFor: string;
  fallback: number;
  fallbackFor: string;
  missing: number;
  missingFor: string;
}

export function newTally(): Tally {
  return {
    created: 0,
    existing: 0,
    deferred: [],
    overload: 0,
    blocked: 0,
    deferredFor: '',
    fallback: 0,
    fallbackFor: '',
    missing: 0,
    missingFor: '',
  };
}

export function exceptionOf(
  { document: { id, index }, block }: Entry,
  reason: string,
): Omit<MarkException, 'outcome'> {
  return { id, reason, index, ...(block === undefined ? {} : { block }) };
}

/** Puts the fallback shape in an entry's place. */
export function fallBack(entry: Entry, why: string, tally: Tally): void {
  entry.reason = why;
  entry.document = fallbackDocument(entry.document, why, { object: entry.group.object, block: entry.block });
  entry.bytes = Buffer.byteLength(entry.document.source) + actionBytesMax;
  tally.fallback++;
  tally.fallbackFor = why;
}
