import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeFooter } from '@millrace/core/archive/decode-footer.ts';
import { encodeFooter } from '@millrace/core/archive/encode-footer.ts';
import { blockOf } from '@millrace/core/testing/blocks.ts';
import { encodeBlock } from '@millrace/core/wire/encode.ts';
import { fakeObjectStore } from '../testing/fake-object-store.ts';
import { Account } from './account.ts';
import { lookUpSetAside } from './set-aside.ts';
import { agent, block, LedgerWorld, nowMs } from './testing/world.ts';

const minute = 60_000;

test('a clean run is 100 % in every column', async () => {
  const world = new LedgerWorld();
  world.object('a', [block('x', 0, 400), block('y', 0, 90)]);
  world.object('b', [block('x', 400, 1_000)], {
    says: [world.seen('x', 1_000, 1_000), world.seen('y', 90, 90)],
  });
  const report = await world.read();
  assert.deepEqual(report.gaps, []);
  assert.deepEqual(report.in_flight, []);
  assert.deepEqual(report.incomplete, []);
  for (const file of report.files)
    assert.deepEqual(file.coverage, { shipped: 100, archived: 100, indexed: 100 }, file.file);
  assert.deepEqual(
    report.files.map(({ file, bytes, records }) => [file, bytes.written, bytes.indexed, records?.indexed]),
    [
      ['/log/x', 1_000, 1_000, 100],
      ['/log/y', 90, 90, 9],
    ],
  );
});

test('a deleted object is named with the exact bytes that only it had, and with what search still has', async () => {
  const world = new LedgerWorld();
  world.object('a', [block('x', 0, 400)]);
  world.object('b', [block('x', 400, 700), block('y', 0, 90)]);
  world.object('c', [block('x', 700, 1_000)], {
    says: [world.seen('x', 1_000, 1_000), world.seen('y', 90, 90)],
  });
  world.deleteObject('b');
  const { gaps } = await world.read();
  assert.deepEqual(
    gaps.map(({ cause, file, from, to, searchable, objects }) => [
      cause,
      file,
      from,
      to,
      searchable,
      objects?.length,
    ]),
    [
      ['object_missing', '/log/x', 400, 700, 30, 1],
      ['object_missing', '/log/y', 0, 90, 9, 1],
    ],
  );
});

test('the only object of a file: its documents tell what it was; without them the object itself is named', async () => {
  const world = new LedgerWorld();
  world.object('a', [block('x', 0, 400)]);
  world.object('b', [block('y', 0, 90)]);
  world.deleteObject('b');
  const { gaps } = await world.read();
  assert.deepEqual(
    gaps.map(({ cause, file, from, to, events }) => [cause, file, from, to, events]),
    [['object_missing', '/log/y', 0, 90, 9]],
  );
  world.dropIndex('2026.11.22');
  const both = await world.read();
  assert.deepEqual(
    both.gaps.map(({ cause, file, from, to, events }) => [cause, file, from, to, events]).sort(),
    [
      ['documents_gone', '/log/x', 0, 400, 40],
      ['object_missing', undefined, undefined, undefined, 9],
    ],
  );
});

test('an object that never had a mark and is gone leaves a hole that is not archived', async () => {
  const world = new LedgerWorld();
  world.object('a', [block('x', 0, 400)]);
  world.object('b', [block('x', 400, 700)], { marked: false });
  world.object('c', [block('x', 700, 800)], { says: [world.seen('x', 1_000, 800)] });
  world.deleteObject('b');
  const { gaps, files } = await world.read();
  assert.deepEqual(
    gaps.map(({ cause, from, to, searchable }) => [cause, from, to, searchable]),
    [['not_archived', 400, 700, 0]],
  );
  assert.equal(files[0]?.bytes.unread, 200);
});

test('the head of a file is missed when an agent saw it read, or search has it', async () => {
  const world = new LedgerWorld();
  world.object('h', [block('x', 0, 300)]);
  world.object('a', [block('x', 300, 400)]);
  world.object('b', [block('z', 500, 600)]);
  world.deleteObject('h');
  const { gaps } = await world.read();
  // z began at its end: nothing says that more of it was ever read.
  assert.deepEqual(
    gaps.map(({ cause, file, from, to }) => [cause, file, from, to]),
    [['object_missing', '/log/x', 0, 300]],
  );
});

test('bytes that were destroyed unread are named at once, and as nothing else', async () => {
  const world = new LedgerWorld();
  world.object('a', [block('x', 0, 400)], {
    says: [world.seen('x', 900, 400, { kind: 'vanished', agoMs: 1_000 })],
  });
  world.object('b', [block('y', 0, 90)], { says: [world.seen('x', 900, 400, { agoMs: 30 * minute })] });
  const { gaps, files } = await world.read();
  assert.deepEqual(
    gaps.map(({ cause, file, from, to }) => [cause, file, from, to]),
    [['destroyed_unread', '/log/x', 400, 900]],
  );
  assert.deepEqual(files[0]?.coverage, { shipped: 44.44, archived: 44.44, indexed: 44.44 });
});

test('a dropped daily index is named with the bytes of its day, and only that day', async () => {
  const world = new LedgerWorld();
  world.object('a', [block('x', 0, 400, '2026.11.20'), block('x', 400, 500)]);
  world.object('b', [block('x', 500, 800), block('y', 0, 90, '2026.11.20')]);
  world.dropIndex('2026.11.20');
  const { gaps } = await world.read();
  assert.deepEqual(
    gaps.map(({ cause, file, from, to, index, events }) => [cause, file, from, to, index, events]),
    [
      ['documents_gone', '/log/x', 0, 400, 'millrace-logs-2026.11.20', 40],
      ['documents_gone', '/log/y', 0, 90, 'millrace-logs-2026.11.20', 9],
    ],
  );
  world.horizon = '2026.11.21';
  assert.deepEqual((await world.read()).gaps, [], 'retention has deleted it');
});

test('an index that was dropped and goes on, and single documents that are gone, are found to the byte', async () => {
  const world = new LedgerWorld();
  world.object('a', [block('x', 0, 400)]);
  world.dropIndex('2026.11.22');
  world.object('b', [block('x', 400, 800)]);
  world.object('c', [block('y', 0, 400)]);
  world.deleteDocuments('y', 100, 130);
  const { gaps } = await world.read();
  assert.deepEqual(
    gaps.map(({ cause, file, from, to, events }) => [cause, file, from, to, events]),
    [
      ['documents_gone', '/log/x', 0, 400, 40],
      ['documents_gone', '/log/y', 100, 130, 3],
    ],
  );
});

test('an object without a mark is on its way while it is young, then not indexed', async () => {
  const world = new LedgerWorld();
  world.object('a', [block('x', 0, 400)], { marked: false, agoMs: 5 * minute });
  world.object('b', [block('y', 0, 400)], { marked: false, agoMs: 50 * minute });
  const { gaps, in_flight: flying, files } = await world.read();
  assert.deepEqual([flying[0]?.file, flying[0]?.cause], ['/log/x', 'not_indexed']);
  assert.deepEqual([gaps.length, gaps[0]?.file, gaps[0]?.from, gaps[0]?.to], [1, '/log/y', 0, 400]);
  assert.deepEqual(
    files.map(({ coverage, records }) => [
      coverage.archived,
      coverage.indexed,
      records?.archived,
      records?.indexed,
    ]),
    [
      [100, 0, 40, 0],
      [100, 0, 40, 0],
    ],
  );
});

test('an agent without heartbeats is silent, and what it had seen is named', async () => {
  const world = new LedgerWorld();
  world.object('a', [block('x', 0, 400)], {
    says: [
      world.seen('x', 900, 500, { agoMs: 30 * minute }),
      { kind: 'heartbeat', atMs: nowMs - 30 * minute, intervalMs: minute },
    ],
  });
  const report = await world.read();
  assert.deepEqual(
    report.agents.map(({ host, state, last_seen_ms: last }) => [host, state, last]),
    [['web-1', 'silent', nowMs - 30 * minute]],
  );
  assert.deepEqual(
    report.gaps.map(({ cause, from, to }) => [cause, from, to]),
    [
      ['agent_silent', 400, 500],
      ['agent_silent', 500, 900],
    ],
  );
  world.object('b', [], { says: [{ kind: 'stopped', atMs: nowMs - 29 * minute }] });
  assert.equal((await world.read()).agents[0]?.state, 'stopped');
  world.object('c', [], {
    agent: Buffer.alloc(16, 9),
    says: [{ kind: 'heartbeat', atMs: nowMs - minute, intervalMs: minute }],
  });
  assert.deepEqual(
    (await world.read()).agents.map(({ state }) => state),
    ['stopped', 'alive'],
  );
});

test('what a rule removed is covered, counted by rule, and once for a block that lies in two objects', async () => {
  const world = new LedgerWorld();
  const drops = [{ from: 100, length: 50, shipped: 0, by: 'drop-health' }];
  const dropping = { ...block('x', 0, 400), exceptions: drops };
  world.object('a', [dropping]);
  world.object('b', [dropping, block('x', 400, 500)]);
  const { files, gaps } = await world.read();
  assert.deepEqual(files[0]?.removed_by, { 'drop-health': 50 });
  assert.deepEqual([files[0]?.bytes.removed, files[0]?.coverage.indexed, gaps.length], [50, 100, 0]);
});

test('what was read is on its way until it is older than asked for', async () => {
  const world = new LedgerWorld();
  world.object('a', [block('x', 0, 400)], { says: [world.seen('x', 600, 600, { agoMs: 2 * minute })] });
  const young = await world.read();
  assert.deepEqual([young.gaps.length, young.in_flight[0]?.from, young.in_flight[0]?.to], [0, 400, 600]);
  const old = await world.read({ olderThanMs: minute });
  assert.deepEqual(
    old.gaps.map(({ cause, from, to }) => [cause, from, to]),
    [['not_archived', 400, 600]],
  );
});

test('set-aside events are told by file, and are not missed in the index', async () => {
  const world = new LedgerWorld();
  world.object('a', [block('x', 0, 400)], { marked: false });
  world.mark('a', true, [50, 70]);
  const { files, gaps, set_aside: aside } = await world.read();
  assert.deepEqual(gaps, []);
  assert.deepEqual(
    aside.map(({ file, offset, reason }) => [file, offset, reason]),
    [
      ['/log/x', 50, 'refused'],
      ['/log/x', 70, 'refused'],
    ],
  );
  assert.deepEqual(files[0]?.records, { archived: 40, indexed: 38, set_aside: 2, exact: true });
  world.deleteDocuments('x', 100, 110);
  assert.deepEqual(
    (await world.read()).gaps.map(({ cause, events }) => [cause, events]),
    [['documents_gone', 1]],
  );
});

test('the bytes of a set-aside record are looked up in its block', async () => {
  const objects = fakeObjectStore();
  const { header, payload } = blockOf([
    { bytes: Buffer.from('one\nlonger\nx\n'), from: 100, capturedMs: 5, multiline: false },
  ]);
  const bytes = encodeBlock(header, payload);
  objects.objects.set('key', { bytes: Buffer.concat([Buffer.alloc(7), bytes]), modifiedMs: 1 });
  const account = new Account(header.sources[0]?.generation ?? Buffer.alloc(16), 'h', 't');
  const lies = { offset: 7, length: bytes.length };
  account.addSetAside({ id: 'a', offset: 104, reason: 'r', object: 'key', block: lies });
  account.addSetAside({ id: 'b', offset: 111, reason: 'r', object: 'key', block: lies });
  account.addSetAside({ id: 'c', offset: 111, reason: 'r', object: 'gone', block: lies });
  await lookUpSetAside(objects, [account]);
  assert.deepEqual(
    account.setAside?.map((event) => event.bytes),
    [7, 2, undefined],
  );
  const { read } = objects;
  const reads: string[] = [];
  objects.read = (key, from, to) => {
    reads.push(key);
    return read(key, from, to);
  };
  await lookUpSetAside(objects, [account]);
  assert.deepEqual(reads, ['gone'], 'what is known is not read again');
});

test('an event that the marks of two objects name is set aside once', async () => {
  const world = new LedgerWorld();
  world.object('a', [block('x', 0, 400)], { marked: false });
  world.mark('a', true, [50]);
  world.object('b', [block('x', 0, 400)], { marked: false });
  world.mark('b', false, [50]);
  const { files, gaps, set_aside: aside } = await world.read();
  assert.deepEqual([gaps.length, aside.length, files[0]?.records?.set_aside], [0, 1, 1]);
});

test('more set-aside events than one file keeps are not taken for documents that are gone', async () => {
  const world = new LedgerWorld();
  const offsets = Array.from({ length: 1_500 }, (_, i) => 20 * i);
  world.object('a', [block('x', 0, 30_000)], { marked: false });
  world.mark('a', true, offsets);
  const { gaps, files } = await world.read();
  assert.deepEqual([gaps, files[0]?.records?.set_aside], [[], 1_500]);
});

test('what a redrive has indexed is not told as set aside by a ledger that goes on', async () => {
  const world = new LedgerWorld();
  world.keep = true;
  world.object('a', [block('x', 0, 400)], { marked: false });
  world.mark('a', true, [50, 70]);
  assert.equal((await world.read()).set_aside.length, 2);
  world.replaceMark('a', []);
  assert.equal((await world.read()).set_aside.length, 0);
});

test('a day that retention deletes while the ledger is read is no gap', async () => {
  const world = new LedgerWorld();
  world.object('a', [block('x', 0, 400, '2026.11.20'), block('x', 400, 500)]);
  world.onCount = () => {
    world.horizon = '2026.11.21';
    world.dropIndex('2026.11.20');
  };
  assert.deepEqual((await world.read()).gaps, []);
});

test('a hundred thousand gaps are told, as all others are', async () => {
  const world = new LedgerWorld();
  const events = 1;
  const date = '2026.11.22';
  const accounts = 130_000;
  world.object('a', []);
  const { sources } = world.footerOf('a');
  for (let i = 0; i < accounts; i++) {
    const generation = Buffer.alloc(16);
    generation.writeUIntBE(nowMs - 3_600_000, 0, 6);
    generation[6] = 0x70;
    generation.writeUInt32BE(i, 12);
    const names = { host: 'h', path: '/log', tag: 't', rule: '{}' };
    const covered = [{ from: 0, to: 10 }];
    sources.push({
      ...names,
      generation,
      covered,
      exceptions: [],
      dated: [{ date, from: 0, to: 10, events }],
    });
  }
  world.filesMax = accounts;
  const { gaps, files } = await world.read();
  assert.deepEqual([gaps.length, files.length], [accounts, accounts]);
});

test('for one host, the store is not asked for what others have', async () => {
  const world = new LedgerWorld();
  world.object('a', [block('x', 0, 400)]);
  world.object('b', [block('y', 0, 90)]);
  world.deleteObject('b');
  assert.equal((await world.read({ host: 'web-1' })).gaps[0]?.file, '/log/y');
  const filters = world.searches.map(({ query }) => (query as { bool: { filter: object[] } }).bool.filter);
  assert.ok(filters.some(([, , host]) => JSON.stringify(host) === '{"term":{"host.name":"web-1"}}'));
});

test('host and file choose', async () => {
  const world = new LedgerWorld();
  world.object('a', [block('x', 0, 400), block('y', 0, 10)]);
  assert.deepEqual(
    (await world.read({ file: '/log/x' })).files.map(({ file }) => file),
    ['/log/x'],
  );
  assert.deepEqual(
    (await world.read({ file: '*y' })).files.map(({ file }) => file),
    ['/log/y'],
  );
  assert.equal((await world.read({ host: 'web-2' })).files.length, 0);
});

test('a store or an archive that does not answer is no ledger full of gaps', async () => {
  const world = new LedgerWorld();
  world.object('a', [block('x', 0, 400)]);
  world.storeDown = true;
  await assert.rejects(world.read(), { code: 'STORE_UNAVAILABLE' });
});

test('a footer keeps what the ledger needs through its bytes', () => {
  const world = new LedgerWorld();
  world.object('a', [block('x', 0, 400)], { says: [world.seen('x', 900, 400)] });
  const footer = world.footerOf('a');
  const again = decodeFooter(
    encodeFooter(footer),
    footer.blocks.reduce((sum, { length }) => sum + length, 0),
  );
  assert.deepEqual(
    JSON.parse(JSON.stringify(again.control?.[0]?.entries[0])),
    JSON.parse(JSON.stringify(footer.control?.[0]?.entries[0])),
  );
  assert.deepEqual(again.sources[0]?.dated, footer.sources[0]?.dated);
  assert.equal(agent.length, 16);
});
