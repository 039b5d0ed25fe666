import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldHints, suggestField } from './field-hints.ts';
import { knownNames } from './fields.ts';
import { fieldsNamed, fieldsPiped } from './names.ts';
import { parseSearch } from './parser.ts';

test('a name that is near a known one, or a part of it, is recognised', () => {
  for (const [name, expected] of [
    ['levle', 'level'],
    ['Level', 'level'],
    ['http.response.status', 'http.response.status_code'],
    ['status_code', 'http.response.status_code'],
    ['timestamp', '@timestamp'],
    ['hostname', 'host.name'],
    ['host.nmae', 'host.name'],
    ['ip', 'source.ip'],
    ['original', 'url.original'],
    ['messge', 'message'],
    ['level', undefined],
    ['order.total', undefined],
    ['x'.repeat(100), undefined],
    ['', undefined],
  ] as const)
    assert.equal(suggestField(name, knownNames), expected, name);
});

test('hints are about fields of conditions and pipes that are nobody’s known ones', () => {
  const hints = (text: string, own: string[] = []) => {
    const { query, pipes } = parseSearch(text);
    const fields = [...fieldsNamed(query), ...fieldsPiped(pipes)];
    return fieldHints(fields, own).map(({ name, suggestion, at }) => [
      name,
      suggestion,
      text.slice(at.start, at.end),
    ]);
  };
  assert.deepEqual(hints('levle:error a NOT levle:x'), [['levle', 'level', 'levle:error']]);
  assert.deepEqual(hints('level:error | count by hots'), [['hots', 'host', 'hots']]);
  assert.deepEqual(hints('levle:error', ['levle']), []);
  assert.deepEqual(hints('user.idd:1', ['user.id']), [['user.idd', 'user.id', 'user.idd:1']]);
  assert.deepEqual(hints('fields.levle:error order.total:>5 error'), []);
});
