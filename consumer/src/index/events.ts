import type { Telemetry } from '@millrace/core/telemetry/events.ts';

/** What the indexer reports; part of the events of each process that indexes. */
export const indexerEvents = {
  store_down: { level: 'warn', message: 'The store does not take documents; sending is tried again.' },
  store_up: { level: 'info', message: 'The store takes documents again.' },
  horizons_unread: {
    level: 'warn',
    message: 'The store does not say which days are hot; nothing more is indexed until it does.',
  },
  documents_deferred: {
    level: 'warn',
    message: 'The store refuses some documents for now; they are sent again.',
    quantity: 'documents',
  },
  documents_accepted: { level: 'info', message: 'The store has taken all documents that it refused before.' },
  indices_blocked: {
    level: 'error',
    message:
      'The store has blocked an index (its disk is full, or somebody made it read-only); its documents wait.',
  },
  documents_fallback: {
    level: 'warn',
    message: 'The store cannot hold some documents as they are; they are indexed as raw messages.',
    quantity: 'documents',
  },
  documents_missing: {
    level: 'error',
    message: 'The store cannot hold some documents at all; they are in the archive only.',
    quantity: 'documents',
  },
  bodies_grown: {
    level: 'info',
    message: 'The store takes what it is sent; larger requests are sent again.',
  },
  bodies_shrunk: { level: 'warn', message: 'The store finds a request too large; smaller ones are sent.' },
} as const;

export type IndexerTelemetry = Telemetry<typeof indexerEvents>;
