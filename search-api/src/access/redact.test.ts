import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hitOf } from '../hit.ts';
import { type Access, unlimitedAccess } from './access.ts';
import { assertRawAllowed, fieldAllowed } from './allowed.ts';
import { canBeHidden } from './redaction.ts';

const hiding = (...redact: string[]): Access => ({ ...unlimitedAccess('key:x'), redact });

function shown(redact: string[], message: string, source: Record<string, unknown>, highlight?: string) {
  const whole = { '@timestamp': 't', message, ...source };
  const hit = {
    id: 'x',
    index: 'i',
    sort: [],
    source: whole,
    ...(highlight === undefined ? {} : { highlight }),
  };
  return hitOf(hit, hiding(...redact));
}

test('a hidden field is not in a hit, and its value not in the message', () => {
  const hit = shown(['user'], 'bob paid 12 EUR, bobby did not', {
    user: { name: 'bob' },
    host: { name: 'web-1' },
    fields: { user: { id: 12, deep: ['EUR'] }, paid: true },
    kv: ['user.id=12'],
  });
  assert.deepEqual(hit, {
    id: 'x',
    '@timestamp': 't',
    message: '[redacted] paid [redacted] [redacted], [redacted]by did not',
    host: 'web-1',
    fields: { paid: true },
  });
});

const names: [redact: string, hidden: string[], seen: string[]][] = [
  [
    'user',
    ['user', 'user.name', 'user.id', 'fields.user', 'fields.user.id'],
    ['username', 'fields.users', 'x.user'],
  ],
  ['user.name', ['user', 'user.name', 'fields.user.name', 'user.name.first'], ['fields.user', 'user.id']],
  ['fields.user.name', ['fields.user.name', 'user.name'], ['fields.user', 'user.id']],
  ['source.ip', ['source.ip', 'remote', 'source.address'], ['fields.remote', 'source.port']],
  ['remote', ['source.ip', 'remote', 'source.address', 'fields.remote'], ['host']],
  ['fields.trace_id', ['trace.id', 'traceId', 'trace_id'], ['trace']],
  ['severity', ['level', 'log.level', 'fields.level', 'severity.x'], ['log.file.path']],
  ['http', ['http.request.method', 'method', 'status', 'http.x', 'fields.http.y'], ['httpd', 'path']],
  ['card*', ['card', 'card.number', 'fields.cardholder', 'cards.a'], ['my.card', 'fields.id-card']],
  [
    '*',
    ['user', 'fields.x', 'host', 'status', 'level'],
    ['message', '@timestamp', 'tag', 'log.file.path', 'stream', '_id'],
  ],
  ['message', ['message'], ['fields.x', 'error.message']],
];

test('a name hides the field that it stands for, what is below it and what has the same value', () => {
  for (const [redact, hidden, seen] of names) {
    for (const name of hidden) assert.equal(fieldAllowed(hiding(redact), name), false, `${redact}: ${name}`);
    for (const name of seen) assert.equal(fieldAllowed(hiding(redact), name), true, `${redact}: ${name}`);
  }
});

test('what makes ids and order cannot be hidden', () => {
  for (const name of ['@timestamp', '_id', 'event.id', 'offset', 'file', 'log.offset', 'stream', 'tag'])
    assert.equal(canBeHidden(name), false, name);
  for (const name of ['user', 'host', 'source.ip', 'fields.offset', 'message', 'card*'])
    assert.equal(canBeHidden(name), true, name);
});

const messages: [message: string, fields: Record<string, unknown>, shown: string][] = [
  // As formats write it: JSON, CSV, addresses.
  ['{"id":"a\\"b","n":1}', { id: 'a"b' }, '{"id":"[redacted]","n":1}'],
  ['{"id":"\\ubc15","x":"a\\/b"}', { id: '박', secret: 'a/b' }, '{"id":"[redacted]","x":"[redacted]"}'],
  ['1,"say ""hi""",2', { id: 'say "hi"' }, '1,"[redacted]",2'],
  ['GET /?user=a%20b%2Fc', { id: 'a b/c' }, 'GET /?user=[redacted]'],
  ['n=007 m=2.50 k=7e0 17', { id: 7, secret: 2.5 }, 'n=[redacted] m=[redacted] k=[redacted] 1[redacted]'],
  ['{"id":12345678901234567890}', { id: Number('12345678901234567890') }, '{"id":[redacted]}'],
  ['{"id":12345678901234567890}', { id: 12345678901234567890n }, '{"id":[redacted]}'],
  ['id=012345678901234567890', { id: 12345678901234567890n }, 'id=[redacted]'],
  // Overlapping and touching places are one.
  ['abab-abab', { id: 'aba', secret: 'bab' }, '[redacted]-[redacted]'],
  ['ababa', { id: 'aba' }, '[redacted]'],
  // JSON that writes it in yet another way is not shown at all; a message that is not the record may lack it.
  ['{"id":"\\u0062ob"}', { id: 'bob' }, '[redacted]'],
  ['payment refused', { id: 'bob' }, 'payment refused'],
  ['nothing', { id: '' }, 'nothing'],
];

test('a hidden value is found in the message however it is written there', () => {
  for (const [message, fields, expected] of messages)
    assert.equal(shown(['id', 'secret'], message, { fields }).message, expected, message);
});

test('what could not be parsed has its values under no name, so its message is hidden', () => {
  for (const type of ['parse', 'limit']) {
    const hit = shown(['id'], 'id=bob', { error: { type, message: 'id=bob is odd' } });
    assert.deepEqual(hit, { id: 'x', '@timestamp': 't', message: '[redacted]', 'error.type': type });
  }
  assert.equal(
    shown(['id'], 'id', { error: { type: 'time', message: 'no time' } })['error.message'],
    'no time',
  );
});

test('a document with very many hidden values shows no message, and a name like __proto__ harms nothing', () => {
  const many = Array.from({ length: 300 }, (_, i) => `v${i}`);
  assert.equal(shown(['id'], 'text', { fields: { id: many } }).message, '[redacted]');
  const fields = JSON.parse('{"__proto__":{"id":"bob"},"a":1}');
  assert.equal(JSON.stringify(shown(['id'], 'x', { fields }).fields), '{"__proto__":{"id":"bob"},"a":1}');
  const hit = shown(['__proto__.id'], 'bob', { fields });
  assert.equal(JSON.stringify(hit.fields), '{"__proto__":{},"a":1}');
  assert.equal(hit.message, '[redacted]');
});

test('highlights stay where they belong, and are dropped where the message is hidden', () => {
  const fields = { id: 'bob', secret: 'x' };
  const mark = (text: string) => text.replaceAll('<', '\u0001').replaceAll('>', '\u0002');
  const hit = shown(['id', 'secret'], 'a bob b x c', { fields }, mark('<a> <bob> <b> <x> <c>'));
  assert.equal(hit.message, 'a [redacted] b [redacted] c');
  const at = (hit.highlight as [number, number][]).map(([start, end]) => hit.message.slice(start, end));
  assert.deepEqual(at, ['a', 'b', 'c']);
  assert.equal(shown(['message'], 'a b', {}, mark('<a> b')).highlight, undefined);
});

test('original lines are for those from whom nothing is hidden', () => {
  assert.throws(() => assertRawAllowed(hiding('id')), /original lines/);
  assertRawAllowed(hiding());
});

test('what ids and order are made of stays, whatever name stands above it', () => {
  const log = { level: 'error', offset: 7, file: { path: '/a.log', inode: 5 } };
  const event = { generation: 'g', action: 'paid' };
  for (const redact of [['*'], ['log', 'event']])
    assert.deepEqual(shown(redact, 'error 7 at 5: paid', { log, event }), {
      id: 'x',
      '@timestamp': 't',
      message: '[redacted] 7 at [redacted]: [redacted]',
      offset: 7,
      file: '/a.log',
      generation: 'g',
    });
});
