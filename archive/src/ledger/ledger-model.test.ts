import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { block, type FileSaid, LedgerWorld } from './testing/world.ts';

const hour = 3_600_000;

/** Random histories against a model that knows of every single byte what became of it. */
test('random histories: every byte is told as the model of single bytes has it', async () => {
  const size = 300;
  const piece = fc.record({
    from: fc.nat(size / 10 - 1),
    records: fc.integer({ min: 1, max: 6 }),
    marked: fc.boolean(),
    kept: fc.boolean(),
    dropped: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(piece, { minLength: 1, maxLength: 25 }),
      fc.nat(size),
      async (pieces, unsorted) => {
        const world = new LedgerWorld();
        const archived = new Set<number>();
        const marked = new Set<number>();
        const read = new Set<number>();
        const removed = new Set<number>();
        const dropsAt = new Set(pieces.filter(({ dropped }) => dropped).map(({ from }) => from));
        for (const [i, { from, records, marked: isMarked, kept }] of pieces.entries()) {
          const to = Math.min(size, (from + records) * 10);
          const exceptions = [...dropsAt]
            .filter((at) => at >= from && at * 10 < to)
            .sort((a, b) => a - b)
            .map((at) => ({ from: at * 10, length: 10, shipped: 0, by: 'rule' }));
          const piece: FileSaid = { ...block('x', from * 10, to), exceptions };
          world.object(`o${i}`, [piece], { marked: isMarked, index: false });
          if (!kept) world.deleteObject(`o${i}`);
          for (let at = from * 10; at < to; at++) {
            read.add(at);
            if (kept) archived.add(at);
            if (kept && isMarked) marked.add(at);
            if (kept && dropsAt.has(Math.floor(at / 10))) removed.add(at);
          }
        }
        const end = Math.max(...read) + 1;
        const last = Math.max(end, unsorted);
        world.object('z', [], {
          says: [world.seen('x', last, 0, { agoMs: 2 * hour }), world.seen('x', last, end)],
        });
        world.checksDocuments = false;
        const report = await world.read();
        const [file] = report.files;
        const gapBytes = new Map<string, number[]>();
        for (const gap of report.gaps) {
          const kind = gap.cause === 'not_indexed' ? 'index' : 'archive';
          const bytes = gapBytes.get(kind) ?? [];
          if (gap.from === undefined) continue;
          for (let at = gap.from; at < (gap.to ?? 0); at++) bytes.push(at);
          gapBytes.set(kind, bytes);
        }
        const all = Array.from({ length: end }, (_, at) => at);
        assert.deepEqual(
          (gapBytes.get('archive') ?? []).sort((a, b) => a - b),
          all.filter((at) => !archived.has(at)),
        );
        assert.deepEqual(
          (gapBytes.get('index') ?? []).sort((a, b) => a - b),
          all.filter((at) => archived.has(at) && !marked.has(at)),
        );
        assert.deepEqual(
          [
            file?.bytes.written,
            file?.bytes.archived,
            file?.bytes.indexed,
            file?.bytes.removed,
            file?.bytes.unread,
          ],
          [last, archived.size, marked.size, removed.size, last - end],
        );
      },
    ),
    { numRuns: 300 },
  );
});

test('a ledger that goes on from its last reading says what one says that begins anew, whatever happened', async () => {
  const change = fc.oneof(
    fc.record({
      what: fc.constant('add' as const),
      from: fc.nat(20),
      records: fc.integer({ min: 1, max: 5 }),
      marked: fc.boolean(),
    }),
    fc.record({
      what: fc.constantFrom('delete' as const, 'mark' as const, 'unmark' as const),
      which: fc.nat(12),
    }),
  );
  let goneOn = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 14 }), async (changes) => {
      const world = new LedgerWorld();
      const kept = new LedgerWorld();
      kept.keep = true;
      let count = 0;
      for (const item of changes) {
        for (const one of [world, kept]) {
          if (item.what === 'add') {
            const { from, records, marked } = item;
            const said = block(count % 2 ? 'x' : 'y', from * 10, (from + records) * 10);
            one.object(`o${count}`, [said], { marked, says: [world.seen('x', 200, from)] });
          } else if (item.what === 'delete') one.deleteObject(`o${item.which}`);
          else if (item.what === 'mark') one.mark(`o${item.which}`);
          else one.unmark(`o${item.which}`);
        }
        if (item.what === 'add') count++;
        const { files, gaps, in_flight: flying, agents } = await kept.read();
        const fresh = await world.read();
        for (const [i, { records }] of files.entries()) {
          // Of objects that overlap in part, the counts may be told less exactly.
          const other = fresh.files[i]?.records;
          if (records?.exact) assert.deepEqual(records, other);
          else assert.ok((records?.archived ?? 0) <= (other?.archived ?? 0));
        }
        const bytes = (list: typeof files) => list.map(({ records: _, ...file }) => file);
        assert.deepEqual(
          { files: bytes(files), gaps, flying, agents },
          { files: bytes(fresh.files), gaps: fresh.gaps, flying: fresh.in_flight, agents: fresh.agents },
        );
      }
      if (kept.passes < world.passes) goneOn++;
    }),
    { numRuns: 200 },
  );
  assert.ok(goneOn > 100, `${goneOn} went on from the last reading`);
});
