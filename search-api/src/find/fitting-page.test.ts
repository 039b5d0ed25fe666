import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unlimitedAccess } from '../access/access.ts';
import { plan } from '../plan.ts';
import { createFakeStore, fakeDocument } from '../testing/fake-store.ts';
import { hotFinder } from './finder.ts';

const startMs = Date.UTC(2026, 10, 22);

test('whoever reads events reads as many at a time as their size allows, and each once', async () => {
  const large = 'x'.repeat(100_000);
  const documents = Array.from({ length: 1_500 }, (_, i) =>
    fakeDocument(new Date(startMs + i).toISOString(), '/a', i, i < 500 ? 'short' : large),
  );
  const store = createFakeStore(documents);
  const request = {
    plan: plan({ q: '', from: '*', to: '*' }, startMs, unlimitedAccess('test')),
    source: 'hot',
    order: 'asc',
    limit: 1_400,
    highlight: false,
  } as const;
  let found = 0;
  for await (const { id } of hotFinder(store)(request, AbortSignal.timeout(60_000)))
    assert.equal(id, `/a:${found++}`);
  assert.equal(found, 1_400);
  const sizes = store.searches.map(({ size }) => size);
  assert.equal(sizes[0], 1_000);
  assert.ok(sizes.length > 4 && sizes.slice(2).every((size) => size < 100), `${sizes}`);
});
