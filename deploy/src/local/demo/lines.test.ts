import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessLine, appRecord, jsonLine } from './lines.ts';

const now = new Date('2026-11-22T06:49:03.007Z');

/** A fixed run of chances, so that a failure names its line. */
function chances(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

test('every access line is in nginx combined format', () => {
  const random = chances(1);
  const combined =
    /^203\.0\.113\.\d+ - - \[22\/Nov\/2026:06:49:03 \+0000\] "(GET|POST) \/\S* HTTP\/1\.1" \d{3} \d+ "[^"]+" "[^"]+"\n$/;
  for (let i = 0; i < 500; i++) assert.match(accessLine(now, random), combined);
});

test('application records begin with their time, and some are stack traces of several lines', () => {
  const random = chances(2);
  const records = Array.from({ length: 500 }, () => appRecord(now, random));
  for (const record of records) {
    assert.match(record, /^2026-11-22 06:49:03\.007 (INFO |WARN |ERROR) \[http-\d\] \S+ - order \d+ .*\n$/s);
    for (const line of record.trimEnd().split('\n').slice(1)) assert.doesNotMatch(line, /^\d{4}-/);
  }
  assert.ok(records.some((record) => /\n\tat \S+\(\w+\.java:\d+\)\n/.test(record)));
});

test('events are JSON objects, one a line', () => {
  const random = chances(3);
  for (let i = 0; i < 200; i++) {
    const line = jsonLine(now, random);
    assert.equal(line.indexOf('\n'), line.length - 1);
    assert.equal((JSON.parse(line) as { time: string }).time, '2026-11-22T06:49:03.007Z');
  }
});
