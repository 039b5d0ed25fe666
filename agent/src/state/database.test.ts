import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { StateDatabase } from './database.ts';

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-database-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A store as the first version of the agent made it. */
const versionOne = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE generation (
  id BLOB PRIMARY KEY, path TEXT NOT NULL, device TEXT NOT NULL, inode TEXT NOT NULL, birth_ms REAL NOT NULL,
  position INTEGER NOT NULL, head_size INTEGER NOT NULL, head_hash BLOB NOT NULL,
  tail_size INTEGER NOT NULL, tail_hash BLOB NOT NULL, old_until INTEGER NOT NULL, old_ms REAL NOT NULL,
  seen_ms INTEGER NOT NULL) STRICT;
CREATE TABLE outbox (
  seq INTEGER PRIMARY KEY, output TEXT NOT NULL, at INTEGER NOT NULL, size INTEGER NOT NULL,
  block_id TEXT NOT NULL, built_ms INTEGER NOT NULL, runs TEXT NOT NULL) STRICT;
INSERT INTO meta VALUES ('schema', '1'), ('commits', '7');
INSERT INTO generation VALUES (x'0102', '/a.log', '1', '2', 3, 40, 40, x'aa', 40, x'bb', 5, 6, 7);
INSERT INTO outbox VALUES (1, 'output', 0, 10, 'id', 8, '[]');`;

test('a store of version 1 opens with its positions and its outbox, and is of version 2 from then on', (t) => {
  const dir = folder(t);
  const old = new DatabaseSync(join(dir, 'positions.db'));
  old.exec(versionOne);
  old.close();
  for (let opening = 0; opening < 2; opening++) {
    const store = new StateDatabase(dir, systemClock);
    assert.equal(store.meta('schema'), '2');
    assert.equal(store.commits, 7);
    const row = {
      id: Buffer.from([1, 2]),
      path: '/a.log',
      device: '1',
      inode: '2',
      birthMs: 3,
      position: 40,
      headSize: 40,
      headHash: Buffer.from([0xaa]),
      tailSize: 40,
      tailHash: Buffer.from([0xbb]),
      oldUntil: 5,
      oldMs: 6,
      continues: false,
      dropping: false,
      reader: '',
    };
    assert.deepEqual(store.generations(), [row]);
    assert.equal(store.outbox().length, 1);
    store.close();
  }
});

test('what a row says of a cut record and of its reader is kept', (t) => {
  const dir = folder(t);
  const first = new StateDatabase(dir, systemClock);
  const hashes = { headSize: 1, headHash: Buffer.from([1]), tailSize: 1, tailHash: Buffer.from([1]) };
  const place = { path: '/a', device: '1', inode: '2', birthMs: 3, position: 1, oldUntil: 0, oldMs: 0 };
  const row = {
    id: Buffer.from([9]),
    ...place,
    ...hashes,
    continues: true,
    dropping: true,
    reader: 'second',
  };
  first.apply({ generations: [row] });
  first.close();
  const second = new StateDatabase(dir, systemClock);
  assert.deepEqual(second.generations(), [row]);
  second.close();
});

test('a store of a later version is refused', (t) => {
  const dir = folder(t);
  new StateDatabase(dir, systemClock).close();
  const db = new DatabaseSync(join(dir, 'positions.db'));
  db.exec("UPDATE meta SET value = '3' WHERE key = 'schema'");
  db.close();
  assert.throws(() => new StateDatabase(dir, systemClock), { code: 'STATE_UNWRITABLE' });
});
