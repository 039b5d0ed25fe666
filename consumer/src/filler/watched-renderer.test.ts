import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blockId } from '@millrace/core/ids/block-id.ts';
import { setUp } from '../testing/filler-bench.ts';
import { watchedRenderer } from './watched-renderer.ts';

test('a block that processes did not come back from is named in the mark, and the others are filled', async () => {
  const { store, work, pass, addObject } = setUp();
  const bad = blockId(Buffer.from('line 1\n'));
  const noted: string[] = [];
  work.renderer = watchedRenderer(work.renderer, {
    condemned: ({ sequence }) => sequence.startsWith(bad),
    during: ({ sequence }, make) => {
      noted.push(sequence);
      return make();
    },
  });
  addObject({ blocks: 3 });
  assert.equal(await pass(), 1);
  const [mark] = store.marksHeld;
  assert.deepEqual([mark?.indexed, mark?.setAside, mark?.exceptions[0]?.kind], [2, 1, 'block']);
  assert.match(mark?.exceptions[0]?.reason ?? '', /hung or crashed/);
  assert.equal(store.held.size, 2);
  assert.equal(noted.length, 2);
});
