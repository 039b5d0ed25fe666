import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columnOf } from './columns.ts';

const source = {
  '@timestamp': '2026-11-22T10:00:00Z',
  host: { name: 'web-1' },
  log: { level: 'error', offset: 7 },
  http: { version: '1.1', response: { status_code: 200 } },
  event: { generation: 'g' },
  kv: ['user.id=4711'],
  fields: { user: { id: 4711 }, 'a.b': { c: 1 }, status: 'ok', level: 'E', none: null },
};

const cases: [string, unknown][] = [
  ['@timestamp', '2026-11-22T10:00:00Z'],
  ['id', 'the-id'],
  ['host', 'web-1'],
  ['host.name', 'web-1'],
  ['level', 'error'],
  ['fields.level', 'E'],
  ['status', 200],
  ['fields.status', 'ok'],
  ['user.id', 4711],
  ['fields.user.id', 4711],
  ['a.b.c', 1],
  ['http.version', '1.1'],
  ['generation', 'g'],
  ['offset', 7],
  ['none', undefined],
  ['kv', undefined],
  ['absent', undefined],
  ['constructor', undefined],
];

test('a column has the value that a query of its name looks at', () => {
  for (const [name, value] of cases) assert.deepEqual(columnOf(name).read('the-id', source), value, name);
});
