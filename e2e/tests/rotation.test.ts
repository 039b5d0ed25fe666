import assert from 'node:assert/strict';
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { readArchive } from '../harness/archive.ts';
import { assertExactlyOnce, countReaches } from '../harness/search.ts';
import { eventually, stackUnderTest } from '../harness/stack.ts';

const stack = stackUnderTest();

/** A service that writes to a log and whose log is rotated; `lives` is every content a file had, start to end. */
class Service {
  readonly file: string;
  readonly expected: string[] = [];
  readonly lives: string[] = [];
  readonly #token: string;
  #current = '';
  #rotations = 0;

  constructor(folder: string, name: string, token: string) {
    this.file = join(folder, name);
    this.#token = token;
    writeFileSync(this.file, '');
  }

  write(count: number): void {
    const lines = Array.from({ length: count }, (_, i) => `${this.#token} line ${this.expected.length + i}`);
    const text = `${lines.join('\n')}\n`;
    this.expected.push(...lines);
    this.#current += text;
    appendFileSync(this.file, text);
  }

  rename(): void {
    const old = `${this.file}.${this.#rotations++}`;
    renameSync(this.file, old);
    // A program goes on writing to what it has open until it reopens its log.
    const late = `${this.#token} late ${this.#rotations}`;
    this.expected.push(late);
    appendFileSync(old, `${late}\n`);
    this.lives.push(`${this.#current}${late}\n`);
    this.#current = '';
    writeFileSync(this.file, '');
  }

  /** Writing pauses between copy and truncation: what is written there is destroyed by the rotation itself. */
  copytruncate(): void {
    copyFileSync(this.file, `${this.file}.${this.#rotations++}`);
    truncateSync(this.file);
    this.lives.push(this.#current);
    this.#current = '';
  }

  end(): void {
    this.lives.push(this.#current);
  }
}

test('lines of files rotated both ways at 5,000 lines/s are found exactly once, and the archive has every byte', async () => {
  const folder = join(stack.logs, 'rotation');
  mkdirSync(folder);
  const token = `rotation${process.pid}`;
  const services = Array.from(
    { length: 4 },
    (_, i) => new Service(folder, `service-${i}.log`, `${token} s${i}`),
  );
  const seconds = 16;
  const begun = performance.now();
  for (let tick = 0; tick < seconds * 20; tick++) {
    for (const service of services) service.write(63);
    if (tick % 50 === 49)
      for (const [i, service] of services.entries()) i % 2 ? service.copytruncate() : service.rename();
    await delay(Math.max(0, begun + (tick + 1) * 50 - performance.now()));
  }
  for (const service of services) service.end();
  const expected = services.flatMap((service) => service.expected);
  await countReaches(stack, token, expected.length, 120);
  await delay(3000); // a duplicate would come now
  await assertExactlyOnce(stack, token, expected);

  const wanted = services
    .flatMap((service) => service.lives)
    .filter((life) => life !== '')
    .sort();
  const archived = await eventually('every life of every file is in the archive', 60, async () => {
    const files = await readArchive(stack, (path) => path.startsWith(folder));
    const texts = files.map((file) => file.bytes.toString());
    return texts.join('').length >= wanted.join('').length ? texts.sort() : undefined;
  });
  assert.equal(archived.length, wanted.length);
  for (const [i, text] of archived.entries()) assert.ok(text === wanted[i], `life ${i} differs`);
  for (const service of services) assert.ok(wanted.includes(readFileSync(service.file, 'utf8')));
});

test('bytes that are no text reach the archive as they are', async () => {
  const token = `bytes${process.pid}`;
  const file = join(stack.logs, 'bytes.log');
  const content = Buffer.concat([
    Buffer.from(`${token} invalid `),
    Buffer.from([0xff, 0xfe, 0xc3, 0x28]),
    Buffer.from(`\n${token} nul \0 inside\n${token} carriage return\r\n\r\n\n${token} no final newline`),
  ]);
  writeFileSync(file, content);
  await countReaches(stack, token, 4, 60);
  await eventually('the bytes are archived', 60, async () => {
    const [found] = await readArchive(stack, (path) => path === file);
    return found && found.bytes.length >= content.length ? found : undefined;
  }).then((found) => assert.deepEqual(found.bytes, content));
});
