import assert from 'node:assert/strict';
import { test } from 'node:test';
import { streamFilter } from './stream-filter.ts';

test('streams are taken by name or by the beginning before a star', () => {
  const cases: [string[], string, boolean][] = [
    [['*'], 'anything', true],
    [['logs'], 'logs', true],
    [['logs'], 'logs2', false],
    [['web_*', 'logs'], 'web_1', true],
    [['web_*', 'logs'], 'webx', false],
  ];
  for (const [patterns, stream, taken] of cases) {
    assert.equal(streamFilter(patterns)(stream), taken, `${patterns.join()} ${stream}`);
  }
});
