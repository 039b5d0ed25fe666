import assert from 'node:assert/strict';
import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { AgentProcess } from '../harness/agent-process.ts';
import { startLossyProxy } from '../harness/lossy-proxy.ts';
import { allHits, assertExactlyOnce, countReaches } from '../harness/search.ts';
import { endpoint, eventually, stackUnderTest } from '../harness/stack.ts';

const stack = stackUnderTest();

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-own-agent-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const multiline =
  '<parse>\n@type multiline\nformat_firstline /^[A-Z]/\nformat1 /^(?<message>.*)$/\n</parse>\nmultiline_flush_interval 1s\npartial_flush_interval 1s';

test('a multiline record and a partial line cut by a timer, the acknowledgement lost, kill -9, more text: each part once', async (t) => {
  const proxy = await startLossyProxy(endpoint(stack, 'kinesis'));
  t.after(() => proxy.close());
  const token = `timer${process.pid}`;
  for (const [name, source] of [
    ['multiline', multiline],
    ['partial', '<parse>\n@type none\n</parse>\npartial_flush_interval 1s'],
  ] as const) {
    const agent = new AgentProcess(folder(t), proxy.url, source);
    const file = join(agent.logs, 'app.txt');
    const first = name === 'multiline' ? `ERROR ${token}${name} one\n  at x\n` : `${token}${name} foo`;
    writeFileSync(file, first);
    proxy.lossy = true;
    const swallowed = proxy.swallowed;
    agent.start();
    await eventually('a block was stored and its acknowledgement lost', 30, async () =>
      proxy.swallowed > swallowed ? true : undefined,
    );
    await agent.kill();
    appendFileSync(
      file,
      name === 'multiline' ? `  at y ${token}${name}\nINFO ${token}${name} two\n` : `bar ${token}${name}\n`,
    );
    proxy.lossy = false;
    agent.start();
    const count = name === 'multiline' ? 3 : 2;
    await countReaches(stack, `${token}${name}`, count, 60);
    assert.equal(await agent.stop(), 0);
    await delay(2000);
    const hits = await allHits(stack, `${token}${name}`);
    const bytes = hits.sort((a, b) => a.offset - b.offset).map((hit) => hit.message);
    const expected =
      name === 'multiline'
        ? [`ERROR ${token}${name} one\n  at x`, `  at y ${token}${name}`, `INFO ${token}${name} two`]
        : [`${token}${name} foo`, `bar ${token}${name}`];
    assert.deepEqual(bytes, expected);
  }
});

test('the position store deleted: nothing is missing, and every line is there twice at most', async (t) => {
  const token = `deleted${process.pid}`;
  const agent = new AgentProcess(folder(t), endpoint(stack, 'kinesis'));
  const lines = Array.from({ length: 500 }, (_, i) => `${token} line ${i}`);
  writeFileSync(join(agent.logs, 'app.txt'), `${lines.slice(0, 400).join('\n')}\n`);
  agent.start('--once');
  assert.equal(await agent.exited(), 0);
  rmSync(agent.state, { recursive: true });
  appendFileSync(join(agent.logs, 'app.txt'), `${lines.slice(400).join('\n')}\n`);
  agent.start('--once');
  assert.equal(await agent.exited(), 0);
  await countReaches(stack, token, 900, 60);
  const hits = await allHits(stack, token);
  assert.equal(hits.length, 900, '400 lines under two generations, 100 under one: as docs/delivery.md says');
  assert.deepEqual(new Set(hits.map((hit) => hit.message)), new Set(lines));
});

test('an old copy of the position store, after two copytruncates of a file with a banner: nothing is missing', async (t) => {
  const token = `restored${process.pid}`;
  const agent = new AgentProcess(folder(t), endpoint(stack, 'kinesis'));
  const file = join(agent.logs, 'app.txt');
  const saved = join(agent.dir, 'saved');
  const expected: string[] = [];
  const life = (n: number, count: number) => {
    const lines = [
      `# banner ${token}`,
      ...Array.from({ length: count }, (_, i) => `${token} life ${n} line ${i}`),
    ];
    expected.push(...lines.slice(1));
    appendFileSync(file, `${lines.join('\n')}\n`);
  };
  life(0, 3);
  agent.start();
  await countReaches(stack, token, 4, 60);
  assert.equal(await agent.stop(), 0);
  const store = readdirSync(agent.state).filter((name) => name.startsWith('positions'));
  for (const name of store) copyFileSync(join(agent.state, name), `${saved}-${name}`);
  agent.start();
  for (const n of [1, 2]) {
    copyFileSync(file, join(agent.logs, `app.txt.${n}`));
    truncateSync(file);
    life(n, 5);
    await countReaches(stack, token, 4 + 6 * n, 60);
  }
  assert.equal(await agent.stop(), 0);
  for (const name of readdirSync(agent.state))
    if (name.startsWith('positions')) rmSync(join(agent.state, name));
  for (const name of store) copyFileSync(`${saved}-${name}`, join(agent.state, name));
  life(3, 4);
  agent.start('--once');
  assert.equal(await agent.exited(), 0);
  const found = await eventually('every line is found', 60, async () => {
    const messages = new Set((await allHits(stack, token)).map((hit) => hit.message));
    return expected.every((line) => messages.has(line)) ? messages : undefined;
  });
  assert.equal(found.size, expected.length + 1);
});

test('an agent killed again and again while it ships a large file delivers each line once', async (t) => {
  const token = `killed${process.pid}`;
  const agent = new AgentProcess(folder(t), endpoint(stack, 'kinesis'));
  const lines = Array.from({ length: 20_000 }, (_, i) => `${token} line ${i} ${'x'.repeat(300)}`);
  writeFileSync(join(agent.logs, 'app.txt'), `${lines.join('\n')}\n`);
  for (let i = 0; i < 6; i++) {
    agent.start('--once');
    await delay(250 + i * 40);
    await agent.kill();
  }
  agent.start('--once');
  assert.equal(await agent.exited(), 0);
  await countReaches(stack, token, lines.length, 120);
  await delay(3000);
  await assertExactlyOnce(stack, token, lines);
});
