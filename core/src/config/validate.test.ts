import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Type } from 'typebox';
import { suggest } from './suggest.ts';
import { validateConfig } from './validate.ts';

const closed = { additionalProperties: false } as const;
const schema = Type.Object(
  {
    interval_ms: Type.Integer({ default: 3, maximum: 5 }),
    archive: Type.Object({ bucket: Type.String({ default: 'x' }) }, { ...closed, default: {} }),
  },
  closed,
);

function problems(value: unknown): string {
  try {
    validateConfig(schema, value, 'f.json');
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}

test('defaults are filled in, at every depth', () => {
  assert.deepEqual(validateConfig(schema, {}, 'f.json'), { interval_ms: 3, archive: { bucket: 'x' } });
});

test('an unknown key is said once, with its path and the nearest known one', () => {
  assert.equal(
    problems({ intervall_ms: 1 }),
    'f.json: /intervall_ms: unknown key, did you mean "interval_ms"?',
  );
  assert.equal(
    problems({ archive: { bukcet: 'a' } }),
    'f.json: /archive/bukcet: unknown key, did you mean "bucket"?',
  );
  assert.equal(problems({ zzz: 1 }), 'f.json: /zzz: unknown key');
});

test('a bad value is named with its path', () => {
  assert.match(problems({ interval_ms: 9 }), /^f\.json: \/interval_ms: /);
  assert.match(problems({ archive: { bucket: 1 } }), /^f\.json: \/archive\/bucket: /);
  assert.match(problems([]), /^f\.json: \/: /);
});

test('a suggestion is near or not given', () => {
  assert.equal(suggest('recieve', ['receive', 'archive']), 'receive');
  assert.equal(suggest('x', ['receive']), undefined);
});
