import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoreRejection } from '@millrace/core/store/failure.ts';
import { hold, unavailable } from '../testing/fake-store.ts';
import { blocked, docs, drained, indexerBench, one, overloaded, rejected } from '../testing/indexer-bench.ts';
import type { GroupResult } from './indexer.ts';

for (let run = 0; run < 20; run++) {
  const seed = Number(process.hrtime.bigint() % 1_000_000_007n) + run;
  test(`every document is answered exactly once under random faults, seed ${seed}`, async (t) => {
    const { store, clock, indexer, gauge } = indexerBench(
      t,
      { body_documents_max: 20, requests_max: 3, queue_bytes_max: 65_536, exceptions_max: 10_000 },
      seed,
    );
    const fate = (id: string) => Number(id.slice(-3)) % 50; // 0: always rejected, 1: rejected as it is
    store.answer = async (documents) => {
      await clock.sleep(Math.floor(clock.random() * 300));
      const luck = clock.random();
      if (luck < 0.15) return unavailable();
      if (luck < 0.2) throw new StoreRejection(413, '_bulk: 413');
      if (luck < 0.25) throw new StoreRejection(400, '_bulk: 400');
      const results = documents.map((sent) => {
        if (clock.random() < 0.2) return clock.random() < 0.5 ? overloaded : blocked;
        if (fate(sent.id) === 0 || (fate(sent.id) === 1 && 'n' in sent.source)) return rejected;
        return one(hold(store, [sent]));
      });
      return luck < 0.3 ? unavailable() : results;
    };
    const expected: { events: number; result: Promise<GroupResult | undefined>; abandoned: boolean }[] = [];
    let n = 0;
    const work = async () => {
      for (let g = 0; g < 8; g++) {
        const group = indexer.group();
        const abandoned = g % 4 === 3;
        let events = 0;
        for (let call = 0; call < 5; call++) {
          const size = 1 + Math.floor(clock.random() * 60);
          await indexer.add(docs(n + 1, n + size), group);
          n += size;
          events += size;
          if (abandoned && call === 2) group.abandon();
        }
        group.seal();
        expected.push({ events, result: group.done, abandoned });
      }
    };
    await drained(clock, work());
    for (const { events, result, abandoned } of expected) {
      const answered = await drained(clock, result);
      if (abandoned) {
        assert.equal(answered, undefined);
        continue;
      }
      const missing = answered?.exceptions.filter((exception) => exception.outcome === 'missing').length ?? 0;
      assert.deepEqual([answered?.events, (answered?.indexed ?? 0) + missing], [events, events]);
      assert.equal(
        new Set(answered?.exceptions.map((exception) => exception.id)).size,
        answered?.exceptions.length,
      );
    }
    await clock.advance(60_000);
    assert.equal(await gauge('queue_bytes'), 0);
  });
}
