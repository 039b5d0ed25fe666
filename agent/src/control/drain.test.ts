import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, type TestContext, test } from 'node:test';
import { decodeFooter, footerFrameLength } from '@millrace/core/archive/decode-footer.ts';
import { Case, life, lines } from '../testing/case.ts';
import { recordsOf } from '../testing/received.ts';
import { S3Server } from '../testing/s3-server.ts';

const throttled = { do: 'refuse', which: () => true } as const;

/** Lines that stay large when they are compressed. */
const noise = (count: number) =>
  Array.from({ length: count }, () => `${randomBytes(64).toString('base64')}\n`);

/** `agent drain` on the case's agent. */
async function drain(world: Case, deadline: string) {
  const main = join(import.meta.dirname, '../main.ts');
  const child = spawn(process.execPath, [
    main,
    'drain',
    '--config',
    world.configPath,
    '--deadline',
    deadline,
  ]);
  const exit = once(child, 'close');
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await exit;
  return { code: code as number, stdout, stderr };
}

async function s3(t: TestContext): Promise<S3Server> {
  const server = new S3Server();
  await server.listen();
  t.after(() => server.close());
  return server;
}

function spillTo(server: S3Server): string[] {
  return ['<spill>', 'bucket archive', 'prefix some/', `endpoint ${server.url}`, '</spill>'];
}

/** The blocks of all objects, as their footers say where they lie. */
function blocksIn(server: S3Server): Buffer[] {
  return [...server.objects].flatMap(([key, bytes]) => {
    assert.match(key, /^archive\/some\/archive\/logs\/.*\/spill\//);
    const at = bytes.length - footerFrameLength(bytes);
    const footer = decodeFooter(bytes.subarray(at), at);
    assert.equal(footer.stream, 'logs');
    assert.equal(footer.days, undefined, 'whoever reads it finds its days');
    return footer.blocks.map(({ offset, length }) => bytes.subarray(offset, offset + length));
  });
}

/** Of each file, its text as archive and stream have it together. */
function textsOf(blocks: Buffer[]): string {
  return recordsOf(blocks)
    .sort((a, b) => a.offset - b.offset)
    .map((record) => record.text)
    .join('');
}

describe('agent drain', { concurrency: 4 }, () => {
  test('reads everything to the end of the files, the unterminated line too, ships it, and ends', async (t) => {
    const world = await Case.open(t, { source: ['partial_flush_interval 0'] });
    await world.start();
    world.write('a.log', `${lines('x', 0, 5000).join('')}the end`);
    const { code, stdout, stderr } = await drain(world, '30s');
    assert.deepEqual([code, stderr], [0, '']);
    assert.equal(stdout, 'drained: everything read is delivered\n');
    assert.equal(await world.agent.exited(), 0);
    assert.deepEqual(world.lives(), [life('a.log', [...lines('x', 0, 5000), 'the end'])]);
  });

  test('reads what a limit of the source would leave in the file', async (t) => {
    const world = await Case.open(t, { source: ['read_bytes_limit_per_second 8192'] });
    await world.start();
    world.write('a.log', lines('x', 0, 20_000).join(''));
    assert.equal((await drain(world, '30s')).code, 0);
    assert.deepEqual(world.lives(), [life('a.log', lines('x', 0, 20_000))]);
  });

  test('past the deadline it says what is left, and the next start ships that', async (t) => {
    const world = await Case.open(t);
    world.stream.always = throttled;
    world.write('a.log', lines('x', 0, 1000).join(''));
    await world.start();
    await world.until(() => world.stream.calls.length > 0, 'a call');
    const { code, stdout } = await drain(world, '0.5s');
    assert.equal(code, 1);
    assert.match(stdout, /^not drained: [12] blocks \(\S+\) are left in the outbox\n$/);
    assert.equal(await world.agent.exited(), 1);
    world.stream.always = { do: 'accept' };
    await world.start();
    await world.expect([life('a.log', lines('x', 0, 1000))]);
  });

  test('with the outbox full it says how much of the files is unread; the next start reads it', async (t) => {
    const world = await Case.open(t, { match: ['outbox_size 2m'] });
    world.stream.always = throttled;
    const texts = noise(100_000);
    world.write('a.log', texts.join(''));
    await world.start();
    await world.saw('outbox_full');
    const { code, stdout } = await drain(world, '0.5s');
    assert.equal(code, 1);
    assert.match(
      stdout,
      /^not drained: \d blocks \(\S+\) are left in the outbox, \S+ of files are unread\n$/,
    );
    world.stream.always = { do: 'accept' };
    await world.start();
    await world.expect([life('a.log', texts)]);
  });

  test('past the deadline the outbox and all that is unread go to the archive as objects of shard spill', async (t) => {
    const server = await s3(t);
    server.failures.push(503, 500);
    const world = await Case.open(t, { match: ['outbox_size 2m', ...spillTo(server)] });
    world.stream.always = throttled;
    const texts = noise(100_000);
    world.write('a.log', texts.join(''));
    world.write('b.log', 'unterminated');
    await world.start();
    await world.saw('outbox_full');
    const { code, stdout } = await drain(world, '0.5s');
    assert.match(stdout, /^drained: .*; \d+ objects were uploaded to the archive\n$/);
    assert.equal(code, 0);
    assert.equal(await world.agent.exited(), 0);
    assert.equal(world.stream.blocks.length, 0, 'the stream took nothing');
    const blocks = blocksIn(server);
    const all = textsOf(blocks);
    assert.equal(all.length, texts.join('').length + 'unterminated'.length);
    assert.ok(all.replace('unterminated', '') === texts.join(''), 'every byte in order');
    world.stream.always = { do: 'accept' };
    await world.start();
    await world.stop();
    assert.deepEqual(world.texts(), [], 'nothing is left to be sent');
  });

  test('what the stream takes while it is uploaded is neither lost nor an error', async (t) => {
    const server = await s3(t);
    const world = await Case.open(t, { match: ['outbox_size 2m', ...spillTo(server)] });
    world.stream.always = { do: 'slow', ms: 1_500 };
    // Its tries go on beyond the answer of the stream.
    server.failures.push(...Array.from({ length: 8 }, () => 503));
    const texts = noise(50_000);
    world.write('a.log', texts.join(''));
    await world.start();
    const { code } = await drain(world, '0.2s');
    assert.equal(code, 0);
    assert.equal(textsOf([...world.stream.blocks, ...blocksIn(server)]), texts.join(''));
  });

  test('a stop without drain leaves blocks in the outbox, spill or not', async (t) => {
    const server = await s3(t);
    const world = await Case.open(t, { match: ['drain_timeout 0.3s', ...spillTo(server)] });
    world.stream.always = throttled;
    world.write('a.log', lines('x', 0, 10).join(''));
    await world.start();
    assert.equal(await world.agent.stop(), 1);
    assert.equal(server.objects.size, 0);
    world.stream.always = { do: 'accept' };
    await world.start();
    await world.expect([life('a.log', lines('x', 0, 10))]);
  });

  test('without an agent, and with a deadline that is none, it says so', async (t) => {
    const world = await Case.open(t);
    world.configure({});
    const none = await drain(world, '1s');
    assert.equal(none.code, 2);
    assert.match(none.stderr, /no agent answers at .*control\.sock/);
    const wrong = await drain(world, 'soon');
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /--deadline: "soon" is not a time/);
  });

  test('the socket of a killed agent is no obstacle', async (t) => {
    const world = await Case.open(t);
    await world.start();
    await world.agent.kill();
    await world.start();
    assert.equal((await drain(world, '5s')).code, 0);
    rmSync(world.state, { recursive: true });
  });
});
