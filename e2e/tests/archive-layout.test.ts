import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { archiveObjects } from '../harness/archive.ts';
import { countReaches } from '../harness/search.ts';
import { eventually, stackUnderTest } from '../harness/stack.ts';

const stack = stackUnderTest();
const objects = archiveObjects(stack);

test('NDJSON objects have every line of the archive, with ids to tell repetitions by', async () => {
  const token = `ndjson${process.pid}`;
  const lines = Array.from({ length: 3_000 }, (_, i) => `${token} line ${i} \u00fc`);
  appendFileSync(join(stack.logs, 'ndjson.log'), `${lines.join('\n')}\n`);
  await countReaches(stack, token, lines.length, 60);
  const rows = await eventually('every line is in an NDJSON object', 60, async () => {
    const found = new Map<string, string>();
    for (let last: string | undefined, more = true; more; ) {
      const page = await objects.list('ndjson/logs/', last);
      for (const { key, bytes } of page.objects) {
        assert.match(key, /^ndjson\/logs\/dt=\d{4}-\d\d-\d\d\/hour=\d\d\/[^/]+\.ndjson\.gz$/);
        const text = gunzipSync((await objects.read(key, 0, bytes)) ?? Buffer.alloc(0)).toString();
        for (const line of text.split('\n').filter((each) => each.includes(token))) {
          const row = JSON.parse(line) as { event_id: string; block_id: string; message: string };
          assert.match(row.block_id, /^[0-9a-f]{32}$/);
          found.set(row.event_id, row.message);
        }
      }
      last = page.objects.at(-1)?.key;
      more = page.more;
    }
    return found.size >= lines.length ? found : undefined;
  });
  assert.deepEqual([...rows.values()].sort(), lines.sort());
});

test('an upload that is not finished is found and removed', async () => {
  const key = `archive/unfinished/${process.pid}`;
  const upload = await objects.createUpload(key);
  const others = (await objects.unfinished('archive/unfinished/')).filter((item) => item.upload !== upload);
  const [found] = (await objects.unfinished('archive/unfinished/')).filter((item) => item.upload === upload);
  assert.equal(found?.key, key);
  assert.ok(Math.abs(Date.now() - (found?.startedMs ?? 0)) < 600_000);
  await objects.abortUpload(key, upload);
  assert.deepEqual(await objects.unfinished('archive/unfinished/'), others);
  assert.deepEqual(await objects.unfinished('archive/nothing/'), []);
});

after(() => objects.close());
