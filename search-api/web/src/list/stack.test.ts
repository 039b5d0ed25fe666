import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foldStack } from './stack.ts';

const trace = (frames: number) =>
  `boom\n${Array.from({ length: frames }, (_, i) => `\tat a.b.C.m${i}(C.java:${i})`).join('\n')}`;

test('the frames behind the first ones are folded', () => {
  const text = `${trace(20)}\nCaused by: x`;
  const stretches = foldStack(text);
  assert.deepEqual(
    stretches.map(({ folded }) => folded),
    [0, 17, 0],
  );
  assert.equal(stretches.map(({ start, end }) => text.slice(start, end)).join(''), text);
  const [first] = stretches;
  assert.equal(text.slice(first?.start, first?.end).split('\n').length - 1, 4);
});

test('a short trace, and text that is none, stays as it is', () => {
  for (const text of [trace(5), 'one line', 'a\nb\nc', ''])
    assert.deepEqual(foldStack(text), [{ start: 0, end: text.length, folded: 0 }]);
});

test('each of several traces shows its first frames', () => {
  const text = `${trace(10)}\nCaused by: ${trace(12)}`;
  assert.deepEqual(
    foldStack(text).map(({ folded }) => folded),
    [0, 7, 0, 9],
  );
});
