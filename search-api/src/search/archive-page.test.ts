import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { unlimitedAccess } from '../access/access.ts';
import { plan } from '../plan.ts';
import { createFakeStore, fakeDocument } from '../testing/fake-store.ts';
import { archivePage } from './archive-page.ts';

test('a page with all that there is counts what it has, not the copies that the store counts', async () => {
  const document = fakeDocument('2026-11-22T10:00:00Z', '/a.log', 0, 'x');
  const places = {
    store: createFakeStore([document, document]),
    // Each event once.
    finder: async function* () {
      yield { ...document, index: 'replayed' };
      return { partial: [] };
    },
    source: 'auto' as const,
    clock: systemClock,
  };
  const request = {
    plan: plan({ q: '', from: '*', to: '*' }, 0, unlimitedAccess('test')),
    size: 10,
    order: 'desc' as const,
    highlight: false,
    timeMsMax: 1_000,
    totalMax: 100,
  };
  const page = await archivePage(places, request, new AbortController().signal);
  assert.deepEqual(page.total, { value: 1, relation: 'eq' });
});
