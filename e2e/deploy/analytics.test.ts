import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { archiveObjects } from '../harness/archive.ts';
import { pythonWith } from '../harness/clients.ts';
import { countReaches } from '../harness/search.ts';
import { clientOptions, endpoint, eventually, root, stackUnderTest } from '../harness/stack.ts';

const stack = stackUnderTest();
const objects = archiveObjects(stack);
const kinesis = new KinesisClient({ ...clientOptions, endpoint: endpoint(stack, 'kinesis') });
const folder = mkdtempSync(join(tmpdir(), 'millrace-analytics-'));
after(() => {
  objects.close();
  kinesis.destroy();
  rmSync(folder, { recursive: true, force: true });
});

/** All NDJSON objects, as files below the folder. */
async function download(): Promise<string[]> {
  const files: string[] = [];
  for (let last: string | undefined, more = true; more; ) {
    const page = await objects.list('ndjson/logs/', last);
    for (const { key, bytes } of page.objects) {
      const file = join(folder, key.replace(/^ndjson\//, ''));
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, (await objects.read(key, 0, bytes)) ?? Buffer.alloc(0));
      files.push(file);
    }
    last = page.objects.at(-1)?.key;
    more = page.more;
  }
  return files;
}

/** The rows of each query of queries.sql over the files. */
async function asked(): Promise<unknown[][][]> {
  const python = await pythonWith('duckdb==2.0.0');
  const sql = (name: string) => join(root, 'deploy/analytics/athena', name);
  const days = ['stream=logs', 'from=2000-01-01', 'to=2100-01-01'];
  const script = join(root, 'e2e/harness/athena-in-duckdb.py');
  const text = execFileSync(python, [script, sql('table.sql'), sql('queries.sql'), folder, ...days], {
    encoding: 'utf8',
  });
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown[][]);
}

function text(file: string): string {
  return gunzipSync(readFileSync(file)).toString();
}

function sum(rows: unknown[][], column: number): number {
  return rows.reduce((total, row) => total + Number(row[column]), 0);
}

test('the table and queries for Athena count each event of the archive once', async () => {
  const token = `analytics${process.pid}`;
  const lines = Array.from({ length: 900 }, (_, i) =>
    // One of them has U+0000, which warehouses refuse.
    JSON.stringify({
      message: `${token} ${i}${i === 7 ? ' \0' : ''}`,
      level: i % 3 === 0 ? 'error' : 'info',
      user: { id: i % 2 },
    }),
  );
  await kinesis.send(
    new PutRecordsCommand({
      StreamName: 'millrace',
      // Records of another producer: their JSON gives fields.
      Records: [{ Data: Buffer.from(`${lines.join('\n')}\n`), PartitionKey: token }],
    }),
  );
  await countReaches(stack, token, lines.length, 60);
  const files = await eventually('every line is in an NDJSON object', 60, async () => {
    const found = await download();
    const all = found.flatMap((file) =>
      text(file)
        .split('\n')
        .filter((line) => line.includes(token)),
    );
    return all.length >= lines.length ? found : undefined;
  });
  const written = files.map((file) => text(file)).join('');
  assert.doesNotMatch(written, /\\u0000/);
  assert.ok(written.includes(`${token} 7 \u2400`));
  const ids = new Set(
    files.flatMap((file) => [...text(file).matchAll(/^\{"event_id":"([^"]+)"/gm)].map(([, id]) => id)),
  );
  const once = await asked();
  const [byTag = [], , users = []] = once;
  assert.equal(sum(byTag, 2), ids.size);
  const errors = new Map(users.map(([user, count]) => [user, Number(count)]));
  assert.ok((errors.get('0') ?? 0) >= 150 && (errors.get('1') ?? 0) >= 150, JSON.stringify(users));

  // As when a block was sent again: the same lines in another object.
  for (const file of files) copyFileSync(file, join(dirname(file), `again-${basename(file)}`));
  assert.deepEqual(await asked(), once);
});
