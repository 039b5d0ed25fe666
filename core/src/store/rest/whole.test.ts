import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPointGone } from '../failure.ts';
import { cutOrWhole, wholeOptions } from './whole.ts';

const answer = (successful: number, type?: string) => ({
  timed_out: true,
  _shards: {
    total: 2,
    successful,
    failures: type === undefined ? [] : [{ shard: 0, reason: { type, reason: 'because' } }],
  },
});

test('an answer that stopped by time is cut, one that did not is whole', () => {
  assert.deepEqual(cutOrWhole('x', answer(2)), { cut: true });
  assert.deepEqual(cutOrWhole('x', { ...answer(2), timed_out: false }), {});
  assert.deepEqual(cutOrWhole('x', {}), {});
});

test('a shard that is missing for any other reason than time fails the search, even when others ran out of it', () => {
  for (const type of [undefined, 'no_shard_available_action_exception', 'node_disconnected_exception'])
    assert.throws(() => cutOrWhole('x', answer(1, type)), {
      code: 'STORE_UNAVAILABLE',
      message: /^x: 1 of 2 shards answered/,
    });
  for (const type of ['illegal_argument_exception', 'query_shard_exception', 'too_many_clauses'])
    assert.throws(() => cutOrWhole('x', answer(1, type)), { code: 'STORE_REJECTED', message: /because/ });
  assert.throws(() => cutOrWhole('x', answer(1, 'search_context_missing_exception')), isPointGone);
});

test('time that ran out on some shards, or on all, is a cut too', () => {
  const ranOut = { type: 'time_exceeded_exception', reason: null };
  const failedWith = (...causes: object[]) => ({
    error: { type: 'search_phase_execution_exception', reason: 'all shards failed', root_cause: causes },
    status: 500,
  });
  assert.deepEqual(cutOrWhole('x', answer(1, 'time_exceeded_exception')), { cut: true });
  assert.deepEqual(cutOrWhole('x', failedWith(ranOut)), { cut: true });
  for (const body of [
    failedWith(ranOut, { type: 'null_pointer_exception' }),
    failedWith(),
    { error: 'what?' },
  ])
    assert.throws(() => cutOrWhole('x', body), { code: 'STORE_UNAVAILABLE', message: /^x: 500/ });
});

test('partial answers are allowed to a search that may be cut, and to no other', () => {
  assert.deepEqual(wholeOptions(undefined), { query: { allow_partial_search_results: false }, accept: [] });
  assert.deepEqual(wholeOptions(1000), { query: { allow_partial_search_results: true }, accept: [500] });
});
