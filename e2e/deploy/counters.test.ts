import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { encodeBlock } from '@millrace/core/wire/encode.ts';
import { metricsOf, sumsOf } from '../../consumer/src/testing/emf.ts';
import { blocksOf, jsonRule } from '../harness/log-blocks.ts';
import { putRecords } from '../harness/records.ts';
import { countReaches } from '../harness/search.ts';
import { eventually, stackUnderTest } from '../harness/stack.ts';

const stack = stackUnderTest();
const token = `counted${process.pid}`;
const tags = { access: `${token}.access`, app: `${token}.app` };
const minuteMs = 60_000;

/** Lines of the consumer's log that are about this test's tags. */
function logLines(): string[] {
  const file = join(stack.dataDir, 'logs/consumer.log');
  return [`${file}.1`, file]
    .filter((path) => existsSync(path))
    .flatMap((path) => readFileSync(path, 'utf8').split('\n'))
    .filter((line) => line.includes(token));
}

/** By minute and dimensions, as CloudWatch would add them up. */
function counted(): Record<string, number> {
  return sumsOf(logLines().filter((line) => metricsOf(line).length > 0));
}

function access(status: number, atMs: number, i: number): string {
  const [, day, month, year, time] = /^\w+, (\d+) (\w+) (\d+) (\S+)/.exec(new Date(atMs).toUTCString()) ?? [];
  const at = `${day}/${month}/${year}:${time} +0000`;
  return `10.0.0.${i % 250} - - [${at}] "GET /${token} HTTP/1.1" ${status} ${i} "-" "agent"`;
}

test('lines of EMF add up to the events of each tag and status in each minute, no more and no less', async () => {
  const nowMs = Math.floor(Date.now() / minuteMs) * minuteMs;
  const rule = '{"parse":{"type":"nginx"},"v":1}';
  const wanted: Record<string, number> = {};
  const expect = (tag: string, status: string, atMs: number) => {
    for (const by of [`tag=${tag},status=${status}`, `tag=${tag}`]) {
      const key = `Millrace events ${by} @${Math.floor(atMs / minuteMs)}`;
      wanted[key] = (wanted[key] ?? 0) + 1;
    }
  };
  const lines: string[] = [];
  const records: string[] = [];
  for (let i = 0; i < 6_000; i++) {
    const status = [200, 200, 404, 500][i % 4] ?? 200;
    const atMs = nowMs - (i % 3) * minuteMs;
    lines.push(access(status, atMs + 1_000 * (i % 60), i));
    expect(tags.access, String(status), atMs);
  }
  for (let i = 0; i < 1_000; i++) {
    const status = [404, 'done', undefined][i % 3];
    records.push(JSON.stringify({ message: `${token} ${i}`, status }));
    expect(tags.app, String(status ?? 'none'), nowMs);
  }
  const blocks = blocksOf('logs', [
    { lines, tag: tags.access, rule },
    { lines: records, tag: tags.app, rule: jsonRule, capturedMs: nowMs },
  ]);
  await putRecords(
    stack,
    blocks.map(({ header, payload }) => encodeBlock(header, payload)),
  );
  await countReaches(stack, token, lines.length + records.length, 60);
  const sum = (sums: Record<string, number>) => Object.values(sums).reduce((all, events) => all + events, 0);
  await eventually('every event is in a line', 30, async () =>
    sum(counted()) >= sum(wanted) ? true : undefined,
  );
  await delay(3_000); // one more would be there by now
  assert.deepEqual(counted(), wanted);
});
