import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unlimitedAccess } from './access/access.ts';
import { hitOf } from './hit.ts';
import { hitFields } from './hit-fields.ts';

const everything = unlimitedAccess('loopback');
const source = {
  '@timestamp': '2026-11-22T10:00:00Z',
  message: 'ann paid',
  tag: 'app',
  host: { name: 'web-1' },
  http: { request: { method: 'GET' }, version: '1.1' },
  fields: JSON.parse(
    '{"user":{"id":7,"name":"ann"},"a.b":1,"a":{"c":2},"list":[{"x":1},{"y":2}],"__proto__":{"z":3}}',
  ),
};
const hit = hitOf({ id: 'i', index: 'x', source, sort: [], highlight: '\u0001ann\u0002 paid' }, everything);
const of = (text: string, access = everything) => hitFields(text.split(','), access).of(hit);
const always = { id: 'i', '@timestamp': '2026-11-22T10:00:00Z' };

test('a hit has the fields that were asked for, by its own names or the names of documents', () => {
  assert.deepEqual(of('host,tag'), { ...always, host: 'web-1', tag: 'app' });
  assert.deepEqual(of(' host.name , id'), { ...always, host: 'web-1' });
  assert.deepEqual(of('message'), { ...always, message: 'ann paid', highlight: [[0, 3]] });
  assert.deepEqual(of('http'), { ...always, 'http.request.method': 'GET', 'http.version': '1.1' });
  assert.deepEqual(of('http.request.method'), { ...always, 'http.request.method': 'GET' });
  assert.deepEqual(of('url.original'), always);
});

test('of the own fields a hit has those that were asked for, also those with dots in their names', () => {
  assert.deepEqual(of('fields'), { ...always, fields: source.fields });
  assert.deepEqual(of('fields.user.id'), { ...always, fields: { user: { id: 7 } } });
  assert.deepEqual(of('fields.user,fields.a.b'), {
    ...always,
    fields: { user: { id: 7, name: 'ann' }, 'a.b': 1 },
  });
  assert.deepEqual(of('fields.a'), { ...always, fields: { 'a.b': 1, a: { c: 2 } } });
  assert.deepEqual(of('fields.list.y'), { ...always, fields: { list: [{ y: 2 }] } });
  assert.deepEqual(of('fields.use'), { ...always, fields: {} });
  const proto = of('fields.__proto__').fields as object;
  assert.deepEqual([Object.keys(proto), Object.getPrototypeOf(proto)], [['__proto__'], Object.prototype]);
});

test('of the store only the members are asked that are needed', () => {
  assert.deepEqual(hitFields('host,fields.user.id,highlight'.split(','), everything).source, [
    '@timestamp',
    'host.name',
    'fields.user.id',
  ]);
  // A hidden value is blotted out of the message: it must be known.
  const limited = { ...everything, redact: ['user.name'] };
  assert.equal(hitFields('message'.split(','), limited).source, undefined);
});

test('a hidden field cannot be asked for', () => {
  const limited = { ...everything, redact: ['fields.user.name', 'host'] };
  for (const name of ['fields.user.name', 'host', 'host.name'])
    assert.throws(() => of(name, limited), /not for you to see/, name);
  assert.deepEqual(Object.keys(of('tag', limited)), ['id', '@timestamp', 'tag']);
});

test('more names than anyone shows are refused', () => {
  const names = Array.from({ length: 101 }, (_, i) => `fields.f${i}`).join();
  assert.throws(() => of(names), { code: 'QUERY_INVALID', message: /more than 100 names/ });
});
