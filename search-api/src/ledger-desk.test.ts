import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LedgerReport } from '@millrace/archive/ledger/report.ts';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { LedgerDesk } from './ledger-desk.ts';
import { createTestServer } from './testing/test-server.ts';

function report(files: number): LedgerReport {
  const bytes = {
    written: 10,
    shipped: 10,
    archived: 10,
    indexed: 10,
    removed: 0,
    rewritten: 0,
    set_aside: 0,
  };
  return {
    at_ms: 5,
    from_ms: 1,
    objects: 2,
    files: Array.from({ length: files }, (_, i) => ({
      stream: 'logs',
      host: 'h',
      file: `/log/${i}`,
      tag: 't',
      generation: 'g',
      from: 0,
      to: 10,
      bytes: { ...bytes, destroyed: 0, unread: 0, in_flight: 0, missing: 0 },
      coverage: { shipped: 100, archived: 100, indexed: 100 },
    })),
    gaps: [{ cause: 'not_indexed', stream: 'logs', bytes: 3, sinceMs: 4, file: '/log/0', from: 0, to: 3 }],
    in_flight: [],
    agents: [],
    set_aside: [],
    older_than_ms: 600_000,
    incomplete: [],
  };
}

const asked = { sinceMs: 1, olderThanMs: 1 };

test('one ledger is read at a time; the same question is answered from one reading until it is old', async () => {
  let nowMs = 0;
  let running = 0;
  let reads = 0;
  const desk = new LedgerDesk({
    async read() {
      assert.equal(++running, 1);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      return report(++reads);
    },
    clock: { ...systemClock, monotonic: () => nowMs },
    freshMs: 100,
  });
  const answers = await Promise.all([desk.ask('a', asked), desk.ask('b', asked), desk.ask('a', asked)]);
  assert.deepEqual(
    answers.map((answer) => answer?.files.length),
    [1, 2, 1],
  );
  nowMs = 100;
  assert.equal((await desk.ask('a', asked))?.files.length, 3);
});

test('too many different questions are refused; a failed one is asked anew', async () => {
  let fail = true;
  const desk = new LedgerDesk({
    read: async () => (fail ? Promise.reject(new Error('down')) : report(1)),
    clock: systemClock,
    freshMs: 60_000,
  });
  const waiting = Array.from({ length: 8 }, (_, i) => desk.ask(String(i), asked));
  assert.equal(desk.ask('one more', asked), undefined);
  for (const answer of waiting) await assert.rejects(answer ?? Promise.resolve());
  fail = false;
  assert.equal((await desk.ask('0', asked))?.files.length, 1);
});

test('the ledger is given in pages, with its gaps on each', async () => {
  const desk = new LedgerDesk({ read: async () => report(250), clock: systemClock, freshMs: 60_000 });
  const { get } = await createTestServer([], {}, desk);
  const files: string[] = [];
  let cursor: string | null = '0';
  while (cursor !== null) {
    const { status, body } = await get(`/api/v1/ledger?size=100&cursor=${cursor}`);
    assert.equal(status, 200);
    assert.deepEqual(
      [body.well, body.gaps_total, body.gaps[0].cause, body.files_total],
      [false, 1, 'not_indexed', 250],
    );
    files.push(...body.files.map((file: { file: string }) => file.file));
    cursor = body.next_cursor;
  }
  assert.equal(new Set(files).size, 250);
});

test('what cannot be asked is refused with the reason', async () => {
  const { get } = await createTestServer();
  const none = await get('/api/v1/ledger');
  assert.deepEqual([none.status, none.body.error.code], [400, 'QUERY_INVALID']);
  assert.match(none.body.error.hint, /section archive/);
  for (const query of [
    'since=yesterday',
    'older_than=ten',
    'stream=A-b',
    'size=5000',
    'files=x',
    'cursor=-1',
  ]) {
    const desk = new LedgerDesk({ read: async () => report(0), clock: systemClock, freshMs: 1 });
    const { get: ask } = await createTestServer([], {}, desk);
    const { status, body } = await ask(`/api/v1/ledger?${query}`);
    assert.deepEqual([status, body.error.code], [400, 'QUERY_INVALID'], query);
  }
});
