import assert from 'node:assert/strict';
import { test } from 'node:test';
import { metricValues } from './metrics.ts';

test('series of one metric come together; comments and what is no number are left out', () => {
  const text = `# HELP lag Behind.
# TYPE lag gauge
lag{shard="0"} 10
lag{shard="1",path="a b } c"} 5.5
up 1 1700000000000
broken NaN
`;
  assert.deepEqual(
    [...metricValues(text)],
    [
      ['lag', [10, 5.5]],
      ['up', [1]],
    ],
  );
});
