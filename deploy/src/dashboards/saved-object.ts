/** The products whose saved objects are written: one ancestor, so nearly one format. */
export const products = ['kibana', 'opensearch-dashboards'] as const;
export type Product = (typeof products)[number];

/** One line of a saved-objects file. */
export interface SavedObject {
  id: string;
  type: 'index-pattern' | 'search' | 'visualization' | 'dashboard';
  attributes: Record<string, unknown>;
  references: Reference[];
}

export interface Reference {
  id: string;
  name: string;
  type: SavedObject['type'];
}

/** Ids are ours and stay: a later import replaces what an earlier one made. */
export const ids = {
  pattern: 'millrace-events',
  events: 'millrace-search-events',
  errors: 'millrace-search-errors',
  byLevel: 'millrace-volume-by-level',
  byTag: 'millrace-volume-by-tag',
  topErrors: 'millrace-top-errors',
  hosts: 'millrace-hosts',
  lag: 'millrace-ingest-lag',
  dashboard: 'millrace-overview',
} as const;

const indexRefName = 'kibanaSavedObjectMeta.searchSourceJSON.index';

/** What an object searches, with the index pattern named by reference. */
export function searchSource(query = ''): {
  kibanaSavedObjectMeta: { searchSourceJSON: string };
  references: Reference[];
} {
  const source = { query: { query, language: 'lucene' }, filter: [], indexRefName };
  return {
    kibanaSavedObjectMeta: { searchSourceJSON: JSON.stringify(source) },
    references: [{ id: ids.pattern, name: indexRefName, type: 'index-pattern' }],
  };
}
