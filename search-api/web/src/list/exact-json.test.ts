import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exactJson } from '@millrace/core/document/json-text.ts';
import { readExact } from '@millrace/core/parse/exact-integers.ts';
import type { Hit } from '../api/types.ts';
import { sorted } from '../panes/table-rows.ts';
import { quoted } from '../query/edit.ts';
import { jsonOf, jsonPieces } from './json.ts';
import { fieldsOf, textOf } from './values.ts';

const long =
  '{"id":"a","@timestamp":"t","message":"m","fields":{"user":{"id":9007199254740993},"n":[-9007199254740995]}}';

test('integers beyond 2^53 are shown, copied and asked for as they were logged', () => {
  const hit = readExact(long) as Hit;
  const fields = new Map(fieldsOf(hit).map(({ name, value }) => [name, value]));
  assert.equal(textOf(fields.get('user.id')), '9007199254740993');
  assert.equal(textOf(fields.get('n')), '[-9007199254740995]');
  assert.equal(quoted(fields.get('user.id')), '9007199254740993');
  assert.equal(exactJson(hit), long);
  const message = jsonOf('{"order":12345678901234567890}');
  assert.match(
    jsonPieces(message)
      .map(({ text }) => text)
      .join(''),
    /"order": 12345678901234567890/,
  );
});

test('rows are in order of long integers too', () => {
  const rows = [[9007199254740993n], [3], [9007199254740995n]] as unknown as (string | number | null)[][];
  assert.deepEqual(sorted(rows, 0, 'desc'), [[9007199254740995n], [9007199254740993n], [3]]);
});
