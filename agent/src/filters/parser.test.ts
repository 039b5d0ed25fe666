import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusal } from '../config/testing.ts';
import { configText, filtered, programOf } from './testing.ts';

function documentOf(lines: string, inner: string, record: string, parse = '@type json') {
  const filter = `<filter **>\n@type parser\n${lines}\n<parse>\n${inner}\n</parse>\n</filter>`;
  return filtered(programOf(configText(filter, parse)), [`${record}\n`]).documents[0];
}

const nested = JSON.stringify({ raw: '{"level":"warn","n":1,"time":"2026-01-02T03:04:05Z"}', app: 'a' });
const json = '@type json\ntime_key time\ntime_type string';

test('the fields of what is read replace all others, and its time the time', () => {
  const document = documentOf('key_name raw', json, nested);
  assert.deepEqual(document.fields, { level: 'warn', n: 1 });
  assert.equal(document['@timestamp'], '2026-01-02T03:04:05Z');
  assert.equal(document.log.level, 'warn');
});

test('reserve_data, reserve_time, remove_key_name_field, inject_key_prefix and hash_value_field', () => {
  const kept = documentOf('key_name raw\nreserve_data true\nreserve_time true', json, nested);
  assert.deepEqual(Object.keys(kept.fields).toSorted(), ['app', 'level', 'n', 'raw']);
  assert.equal(kept['@timestamp'], '2026-11-22T12:00:00.250Z');
  const removed = documentOf('key_name raw\nreserve_data true\nremove_key_name_field true', json, nested);
  assert.deepEqual(removed.fields, { app: 'a', level: 'warn', n: 1 });
  const named = 'key_name raw\ninject_key_prefix x_\nhash_value_field into';
  assert.deepEqual(documentOf(named, json, nested).fields, { into: { x_level: 'warn', x_n: 1 } });
});

test('any parser reads any field, nested ones and the text of unparsed records too', () => {
  const expression = '@type regexp\nexpression /^(?<who>\\w+) did (?<what>\\w+)/';
  assert.deepEqual(documentOf('key_name message', expression, 'bob did it', '@type none').fields, {
    who: 'bob',
    what: 'it',
  });
  const deep = documentOf('key_name $.a.b', expression, '{"a":{"b":"ann did that"}}');
  assert.deepEqual(deep.fields, { who: 'ann', what: 'that' });
  assert.equal(deep.message, 'ann did that');
  const access = '1.2.3.4 - - [22/Nov/2026:11:00:00 +0000] "GET /a HTTP/1.1" 404 12';
  const web = documentOf('key_name raw', '@type nginx', JSON.stringify({ raw: access }));
  assert.equal(web.http.response.status_code, 404);
  assert.equal(web['@timestamp'], '2026-11-22T11:00:00Z');
});

test('a field that is not there or cannot be read leaves the record as it is, with the reason', () => {
  for (const record of ['{"x":1,"raw":"no json"}', '{"x":1}', '{"x":1,"raw":5}']) {
    const document = documentOf('key_name raw', json, record);
    assert.equal(document.fields.x, 1);
    assert.equal(document.error.type, 'parse');
    assert.match(document.error.message, /^raw: /);
    assert.equal(
      documentOf('key_name raw\nemit_invalid_record_to_error false', json, record).error,
      undefined,
    );
  }
});

test('mistakes are named', () => {
  assert.match(
    refusal(() => documentOf('', json, nested)),
    /key_name: required/,
  );
  const multiline = '@type multiline\nformat_firstline /^a/\nformat1 /^(?<a>a)/';
  assert.match(
    refusal(() => documentOf('key_name raw', multiline, nested)),
    /framed where they are read/,
  );
});
