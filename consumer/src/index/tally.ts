import type { RenderedDocument } from '@millrace/core/document/types.ts';
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
  { id, index, block }: Pick<Entry, 'id' | 'index' | 'block'>,
  reason: string,
): Omit<MarkException, 'outcome'> {
  return { id, reason, index, ...(block === undefined ? {} : { block }) };
}

/** The fallback shape of a document, counted. */
export function fallBack(
  document: RenderedDocument,
  why: string,
  archived: Parameters<typeof fallbackDocument>[2],
  tally: Tally,
): RenderedDocument {
  tally.fallback++;
  tally.fallbackFor = why;
  return fallbackDocument(document, why, archived);
}
