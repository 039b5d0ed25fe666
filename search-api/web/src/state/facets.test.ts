import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusal, server } from '../api/fake-browser.ts';

const { facets, hasFacets, runFacets } = await import('./facets.ts');
const { histogram, histogramStale, runHistogram } = await import('./histogram.ts');
const { go } = await import('./view.ts');

const buckets = () => histogram.value?.buckets;

test('what is hidden takes nothing else along', async () => {
  server.answer = ({ pathname, searchParams }) => {
    if (searchParams.get('q') === 'card:1') return refusal(403, 'FORBIDDEN');
    if (pathname.endsWith('/fields'))
      return Response.json({ fields: [{ name: 'tag' }, { name: 'host.name' }] });
    if (pathname.endsWith('/facets')) {
      const names = searchParams.get('fields')?.split(',') ?? [];
      if (names.includes('service.name')) return refusal(403, 'FORBIDDEN');
      return Response.json({ facets: names.map((field) => ({ field })) });
    }
    return searchParams.has('by') ? refusal(403, 'FORBIDDEN') : Response.json({ buckets: [] });
  };
  await Promise.all([runFacets(), runHistogram()]);
  assert.deepEqual(
    facets.value?.map(({ field }) => field),
    ['tag', 'host.name'],
  );
  assert.deepEqual(buckets(), []);

  // A question about a hidden field is refused as a whole; the next one is not.
  go({ q: 'card:1' });
  await Promise.all([runFacets(), runHistogram()]);
  assert.equal(hasFacets.value, false);
  assert.equal(buckets(), undefined);
  go({ q: '' });
  await Promise.all([runFacets(), runHistogram()]);
  assert.equal(hasFacets.value, true);
  assert.deepEqual(buckets(), []);
});

test('a count is of an earlier question until the answer to this one came', async () => {
  server.answer = () => Response.json({ buckets: [{ from: '', count: 1 }] });
  await runHistogram();
  assert.equal(histogramStale.value, false);
  const asked = runHistogram();
  assert.equal(histogramStale.value, true);
  server.answer = () => refusal(503, 'STORE_UNAVAILABLE');
  const again = runHistogram();
  await Promise.all([asked, again]);
  assert.equal(histogramStale.value, false);
  assert.equal(buckets(), undefined, 'a failed count leaves none that looks like it');
});
