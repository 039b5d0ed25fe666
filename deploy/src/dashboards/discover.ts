import { derivedNames } from '@millrace/core/document/reserved.ts';
import { ids, type Product, type SavedObject, searchSource } from './saved-object.ts';

/** Daily and monthly indices of events; the index of marks has another form. */
export const indexPattern = 'millrace-*-*.*';

/** The data view: how fields are shown. Fields themselves are read from the indices by the product. */
export function dataView(product: Product): SavedObject {
  const formats = {
    '@timestamp': { id: 'date_nanos' },
    'log.offset': { id: 'number', params: { pattern: '0' } },
    'http.response.body.bytes': { id: 'bytes' },
    'http.response.status_code': { id: 'number', params: { pattern: '0' } },
    'event.tie': { id: 'number', params: { pattern: '0' } },
    'log.level': { id: 'color', params: { fieldType: 'string', colors: levelColors } },
  };
  return {
    id: ids.pattern,
    type: 'index-pattern',
    attributes: {
      title: indexPattern,
      timeFieldName: '@timestamp',
      fieldFormatMap: JSON.stringify(formats),
      sourceFilters: JSON.stringify(derivedNames.map((value) => ({ value }))),
      ...(product === 'kibana' ? { name: 'Millrace events' } : {}),
    },
    references: [],
  };
}

const levelColors = [
  { regex: 'emergency|alert|critical|fatal|error', text: '#FFFFFF', background: '#B4251D' },
  { regex: 'warn', text: '#1A1C21', background: '#F5A700' },
];

/** Newest first; lines of one millisecond in the order of their file. */
const sort = [
  ['@timestamp', 'desc'],
  ['log.offset', 'desc'],
];

export function discoverSearches(): SavedObject[] {
  return [
    discoverSearch(ids.events, 'Millrace: all events', '', ['log.level', 'host.name', 'tag', 'message']),
    discoverSearch(
      ids.errors,
      'Millrace: errors',
      'log.level:(error OR critical OR alert OR emergency OR fatal)',
      ['host.name', 'tag', 'log.file.path', 'message'],
    ),
  ];
}

function discoverSearch(id: string, title: string, query: string, columns: string[]): SavedObject {
  const { references, kibanaSavedObjectMeta } = searchSource(query);
  return {
    id,
    type: 'search',
    attributes: { title, description: '', columns, sort, version: 1, kibanaSavedObjectMeta },
    references,
  };
}
