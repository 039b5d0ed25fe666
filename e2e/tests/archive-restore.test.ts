import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { countReaches } from '../harness/search.ts';
import { eventually, millrace, stackUnderTest } from '../harness/stack.ts';

const stack = stackUnderTest();
const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');

type Rotation = 'rename' | 'copytruncate' | 'gzip';

/** A log that is rotated; `sums` has the SHA-256 of every content that the file had, start to end. */
class RotatedLog {
  readonly file: string;
  readonly sums: string[] = [];
  lines = 0;
  readonly #token: string;
  readonly #rotation: Rotation;

  constructor(file: string, rotation: Rotation, token: string) {
    this.file = file;
    this.#rotation = rotation;
    this.#token = token;
    writeFileSync(file, '');
  }

  write(count: number): void {
    const text = Array.from(
      { length: count },
      () => `${this.#token} line ${this.lines++} \u00fc${'x'.repeat(this.lines % 90)}\n`,
    );
    appendFileSync(this.file, text.join(''));
  }

  /** As logrotate does it. What the rotated file holds is what a person would look for. */
  rotate(): void {
    const content = readFileSync(this.file);
    this.sums.push(sha256(content));
    const old = `${this.file}.${this.sums.length}`;
    if (this.#rotation === 'copytruncate') {
      copyFileSync(this.file, old);
      truncateSync(this.file);
      return;
    }
    renameSync(this.file, old);
    writeFileSync(this.file, '');
    if (this.#rotation === 'gzip') {
      writeFileSync(`${old}.gz`, gzipSync(content));
      rmSync(old);
    }
  }
}

interface Restored {
  file: string;
  state: string;
  sha256: string;
  missing: object[];
  changed: object[];
}

const jsonLines = <T>(text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);

test('20 rotated files of a server are restored with the sha256 that they had there', async () => {
  const folder = join(stack.logs, 'restore');
  const out = join(stack.dataDir, 'restored');
  mkdirSync(folder);
  const token = `restore${process.pid}`;
  const rotations: Rotation[] = ['rename', 'copytruncate', 'gzip', 'rename'];
  const logs = rotations.map(
    (rotation, i) => new RotatedLog(join(folder, `service-${i}.log`), rotation, `${token} s${i}`),
  );
  for (let life = 0; life < 5; life++) {
    for (let tick = 0; tick < 8; tick++) {
      for (const log of logs) log.write(100);
      await delay(100);
    }
    // Long enough to be read: a rotation that destroys unread bytes is a loss that nothing can restore.
    await countReaches(
      stack,
      token,
      logs.reduce((sum, { lines }) => sum + lines, 0),
      60,
    );
    for (const log of logs) log.rotate();
  }
  const args = ['--data', stack.dataDir, '--json'];
  // Search has a line before the object that it lies in is closed: a restore before that ends where the archive ends.
  await eventually('every line is in the archive', 60, async () => {
    const every = ['archive', 'grep', `^${token} s\\d line \\d+ `, '--regex', '--count'];
    return (await millrace(...every, '--data', stack.dataDir)).stdout === '16000\n' || undefined;
  });
  const restore = await millrace(
    ...['archive', 'restore', '--host', '*', '--file', join(folder, 'service-*.log'), '--out', `${out}/`],
    ...args,
  );
  assert.equal(restore.code, 0, restore.stderr);
  const restored = jsonLines<Restored>(restore.stdout);
  const wanted = logs.flatMap(({ sums }) => sums).sort();
  assert.equal(wanted.length, 20);
  assert.deepEqual(restored.map((life) => sha256(readFileSync(life.file))).sort(), wanted);

  const verified = await millrace('archive', 'verify', '--deep', '--data', stack.dataDir);
  assert.equal(verified.code, 0, verified.stdout + verified.stderr);

  const listed = await millrace('archive', 'ls', '--file', join(folder, '*'), ...args);
  assert.equal(listed.code, 0, listed.stderr);
  const objects = jsonLines<{ key: string; bytes: number; tags: string[] }>(listed.stdout);
  assert.ok(objects.length > 0 && objects.every(({ key }) => key.startsWith('archive/logs/')));

  const found = await millrace(
    'archive',
    'grep',
    `${token} s1 line 3999 `,
    '--bytes',
    '--data',
    stack.dataDir,
  );
  assert.match(found.stdout, /^restore\d+ s1 line 3999 \u00fcx*\n$/);

  const [first] = logs;
  const printed = await millrace('archive', 'cat', '--file', first?.file ?? '', '--data', stack.dataDir);
  const lines = printed.stdout.split('\n').filter((line) => line.includes(token));
  assert.equal(new Set(lines).size, first?.lines);
  assert.equal(lines.length, first?.lines);
});
