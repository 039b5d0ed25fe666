import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answered, refusal } from './api.ts';
import { type Hit, lineOf } from './look.ts';

test('integers beyond 2^53 are printed as they were logged', () => {
  const json =
    '{"id":"a","@timestamp":"t","message":"m","fields":{"id":9007199254740993,"n":[-9007199254740995]}}';
  const hit = answered(json) as Hit;
  const look = { json: true, fields: undefined, color: false };
  assert.equal(lineOf(hit, look), `${json}\n`);
  assert.equal(
    lineOf(hit, { ...look, json: false, fields: ['id', 'fields.id', 'n'] }),
    't a 9007199254740993 [-9007199254740995]\n',
  );
});

test('what is too much now may be none in a moment, and is asked again by a tail', () => {
  const body = JSON.stringify({ error: { code: 'BUSY', message: 'too many tails' } });
  assert.equal(refusal(429, body, '').code, 'STORE_UNAVAILABLE');
  assert.equal(refusal(400, body, '').code, 'STORE_REJECTED');
});
