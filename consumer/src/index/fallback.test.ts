import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fallbackDocument } from './fallback.ts';

const whole = {
  '@timestamp': '2026-11-22T10:00:00.123456789Z',
  message: 'a line',
  tag: 'app',
  stream: 'logs',
  host: { name: 'web-1' },
  log: { file: { path: '/var/log/a.log' }, offset: 12, level: 'warn' },
  error: { type: 'parse', message: 'no JSON' },
  fields: { deep: { er: 1 } },
  kv: ['a=b'],
  event: { generation: 'AAAAAAAAAAAAAAAAAAAAAA' },
};

const archived = { object: 'app/2026/11/22/10/shard-1/1-a.mlr', block: 'b1' };

test('a fallback document keeps what names the event and says why it is not whole', () => {
  assert.deepEqual(fallback(JSON.stringify(whole), 'too deep'), {
    '@timestamp': whole['@timestamp'],
    message: 'a line',
    tag: 'app',
    stream: 'logs',
    host: { name: 'web-1' },
    log: { file: { path: '/var/log/a.log' }, offset: 12 },
    error: { type: 'index', message: 'too deep; no JSON' },
    archive: archived,
    event: { generation: 'AAAAAAAAAAAAAAAAAAAAAA' },
  });
});

test('a fallback document cuts what is long, between characters', () => {
  const source = JSON.stringify({ ...whole, message: `${'x'.repeat(8191)}😀${'y'.repeat(9000)}` });
  const made = fallback(source, 'r'.repeat(9000));
  assert.equal(made.message, 'x'.repeat(8191));
  assert.equal((made.error as { message: string }).message.length, 512);
});

for (const time of ['1969-12-31T23:59:59Z', '2300-01-01T00:00:00Z', 'soon', 7]) {
  test(`a fallback document for the time ${time} can be stored, and names it`, () => {
    const made = fallback(JSON.stringify({ ...whole, '@timestamp': time }), 'why');
    assert.equal(made['@timestamp'], '1970-01-01T00:00:00Z');
    assert.match((made.error as { message: string }).message, new RegExp(`its time is "?${time}`));
  });
}

test('a fallback document is made of anything, and always ends with its event', () => {
  for (const source of ['{"broken', '[]', 'null', '{"host":null,"log":7,"message":{"a":1},"event":[]}']) {
    const made = fallbackDocument({ index: 'i', id: 'a', source }, 'why', archived);
    assert.match(made.source, /,"event":\{"generation":""\}\}$/);
    JSON.parse(made.source);
  }
});

function fallback(source: string, reason: string): Record<string, unknown> {
  return JSON.parse(fallbackDocument({ index: 'i', id: 'a', source }, reason, archived).source);
}
