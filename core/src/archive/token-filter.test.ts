import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { tokenize } from '../query/tokenize.ts';
import { mayHoldToken, TokenFilterBuilder } from './token-filter.ts';

const text = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.constantFrom(
        'GET',
        '/',
        ' ',
        '\n',
        '\u0130',
        '\u03a3\u03c3',
        '\ud55c\uae00',
        '\u2028',
        'x'.repeat(300),
        'Error',
      ),
    ),
    { maxLength: 30 },
  )
  .map((parts) => Buffer.from(parts.join('')).toString('utf8'));

test('a filter never denies a token that the tokenizer finds in a record', () => {
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 4 }), (payloads) => {
      const builder = new TokenFilterBuilder();
      for (const payload of payloads) builder.add(Buffer.from(payload));
      const filter = builder.build(1 << 21);
      assert.ok(filter);
      for (const record of payloads.flatMap((payload) => payload.split('\n'))) {
        for (const { token } of tokenize(record))
          assert.ok(mayHoldToken(filter, token), JSON.stringify(token));
      }
    }),
    { numRuns: 60 },
  );
});

test('a filter denies nearly all that is not there, at its smallest size', () => {
  const builder = new TokenFilterBuilder();
  for (let i = 0; i < 20_000; i++) builder.add(Buffer.from(`request id-${i} took ${i * 7}\n`));
  const filter = builder.build(1 << 21);
  assert.ok(filter);
  assert.ok(filter.length <= 40_000 * 2.2, `${filter.length} bytes`);
  let wrong = 0;
  for (let i = 0; i < 10_000; i++) if (mayHoldToken(filter, `absent${i}`)) wrong++;
  assert.ok(wrong < 500, `${wrong} of 10000`);
});

test('a filter that would be too large for its object, or too full to help, is none', () => {
  const builder = new TokenFilterBuilder();
  for (let i = 0; i < 20_000; i++) builder.add(Buffer.from(`token${i}\n`));
  assert.equal(builder.build(1_000), undefined);
  const flooded = new TokenFilterBuilder();
  const numbers = Array.from({ length: 3_000_000 }, (_, i) => `t${i}`);
  flooded.add(Buffer.from(numbers.join(' ')));
  assert.equal(flooded.build(1 << 21), undefined);
});

test('bytes that are no filter deny nothing', () => {
  for (const bytes of [[], [5], [4, 0, 0, 0, 0, 0, 0, 0, 0], [5, 0, 0, 0]]) {
    assert.equal(mayHoldToken(Uint8Array.from(bytes), 'x'), true);
  }
});
