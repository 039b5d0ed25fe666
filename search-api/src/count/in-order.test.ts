import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inOrder } from './in-order.ts';

test('answers come in the order of the questions, of which no more are open than may be', async () => {
  let open = 0;
  let most = 0;
  const questions = [5, 1, 3, 0, 2].map((turns, i) => async () => {
    most = Math.max(most, ++open);
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    open--;
    return i;
  });
  const answers: number[] = [];
  for await (const answer of inOrder(questions, 2)) answers.push(answer);
  assert.deepEqual([answers, most], [[0, 1, 2, 3, 4], 2]);
});

test('with the first that fails the others are cancelled', async () => {
  const signals: AbortSignal[] = [];
  const failing = [true, false, true].map((fails) => async (signal: AbortSignal) => {
    signals.push(signal);
    if (fails) throw new Error('no');
    return 1;
  });
  const answers = inOrder(failing, 3);
  await assert.rejects(answers.next(), /no/);
  assert.deepEqual([signals.length, signals.every(({ aborted }) => aborted)], [3, true]);
});
