import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { asksTheSame, parseView, tabs, usualView, viewText } from './address.ts';

const text = fc
  .string({ minLength: 1, maxLength: 30, unit: 'grapheme' })
  .filter((value) => value.isWellFormed());
const anyView = fc.record(
  {
    q: fc.oneof(fc.constant(''), text),
    from: text,
    to: text,
    sort: fc.constantFrom('desc', 'asc'),
    source: fc.constantFrom('auto', 'hot', 'archive'),
    stream: fc.oneof(fc.constant(''), fc.stringMatching(/^[a-z0-9_]{1,9}$/)),
    columns: fc.option(fc.array(text, { maxLength: 4 }), { nil: undefined }),
    tab: fc.constantFrom(...tabs),
    live: fc.boolean(),
    context: fc.oneof(fc.constant(''), text),
    open: fc.oneof(fc.constant(''), text),
    baseline: text,
  },
  { noNullPrototype: true },
);

test('a link restores everything that is shown', () => {
  fc.assert(fc.property(anyView, (view) => assert.deepEqual(parseView(viewText(view)), view)));
});

test('the usual view needs no parameters', () => {
  assert.equal(viewText(usualView), '');
  assert.deepEqual(parseView(''), usualView);
});

test('what a link says that no version knows is as usual', () => {
  assert.deepEqual(parseView('?sort=up&source=tape&view=pie&utm=x&from='), usualView);
});

test('columns, tabs and open rows ask nothing of the server', () => {
  assert.equal(asksTheSame(usualView, { ...usualView, columns: ['tag'], tab: 'patterns', open: 'x' }), true);
  for (const change of [
    { q: 'x' },
    { from: 'now-1h' },
    { to: 'now' },
    { sort: 'asc' },
    { source: 'hot' },
    { stream: 'a' },
  ])
    assert.equal(asksTheSame(usualView, { ...usualView, ...change } as typeof usualView), false);
});
