import assert from 'node:assert/strict';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { AgentProcess } from '../testing/agent-process.ts';
import { KinesisServer, ShardLimit } from '../testing/kinesis-server.ts';
import { recordsOf } from '../testing/received.ts';

const tail =
  '<source>\n@type tail\npath DIR/*.log\ntag app.web\nread_from_head true\n<parse>\n@type none\n</parse>\n</source>\n';

async function world(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-delivery-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const server = new KinesisServer();
  await server.listen();
  t.after(() => server.close());
  const kinesis = (more: string) =>
    `@type kinesis_streams\nstream_name s\nregion r\nendpoint ${server.url}\n${more}\n`;
  const start = (text: string, args: string[] = []) => {
    const config = join(dir, 'agent.conf');
    writeFileSync(config, `<system>\nstate_dir ${dir}/state\n</system>\n${text.replaceAll('DIR', dir)}`);
    const agent = new AgentProcess(config, args);
    t.after(() => agent.kill());
    return agent;
  };
  return { dir, server, kinesis, start };
}

async function until(what: string, holds: () => boolean, ms = 30_000): Promise<void> {
  for (const end = performance.now() + ms; !holds(); await delay(20))
    assert.ok(performance.now() < end, `${what} within ${ms} ms`);
}

/** What is in all files of a folder. */
function textIn(folder: string): string {
  if (!existsSync(folder)) return '';
  return readdirSync(folder)
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('');
}

test('a store that is down does not keep events from the others of its copy, and gets all when it is back', async (t) => {
  const { dir, server, kinesis, start } = await world(t);
  server.always = { do: 'fail', status: 500, code: 'InternalFailure' };
  const file = '@type file\npath DIR/out/a\n<format>\n@type single_value\n</format>\n';
  const stores = [kinesis('outbox_size 2m\n<buffer>\nretry_max_interval 1s\n</buffer>'), file];
  const copy = `<match **>\n@type copy\n${stores.map((store) => `<store>\n${store}</store>`).join('\n')}\n</match>`;
  // Of chance, so that it does not shrink: the outbox of the one that is down is full long before the end.
  const lines = Array.from(
    { length: 120_000 },
    (_, i) => `${i} ${Math.random()} ${Math.random()} ${Math.random()}`,
  );
  writeFileSync(join(dir, 'a.log'), lines.map((line) => `${line}\n`).join(''));
  const agent = start(tail + copy);
  await until('all in the file', () => textIn(join(dir, 'out')).split('\n').length > lines.length);
  assert.equal(textIn(join(dir, 'out')).trimEnd(), lines.join('\n'));
  assert.equal(recordsOf(server.blocks).length, 0);
  await until('a full outbox', () => agent.events('outbox_full').length > 0);
  // Killed in between: each goes on from its own position.
  await agent.kill();
  appendFileSync(join(dir, 'a.log'), 'last\n');
  server.always = { do: 'accept' };
  assert.equal(await start(tail + copy, ['--once']).exited(), 0);
  const wanted = [...lines, 'last'];
  assert.deepEqual(
    recordsOf(server.blocks)
      .map(({ text }) => text.trimEnd())
      .toSorted(),
    wanted.toSorted(),
  );
  assert.deepEqual([...new Set(textIn(join(dir, 'out')).trimEnd().split('\n'))], wanted);
});

for (const limit of ['retry_timeout 2s', 'retry_max_times 3'])
  test(`with ${limit} and <secondary>, what could not be delivered goes there, and later blocks to the stream again`, async (t) => {
    const { dir, server, kinesis, start } = await world(t);
    server.always = { do: 'fail', status: 500, code: 'InternalFailure' };
    const second =
      '<secondary>\n@type secondary_file\ndirectory DIR/second\n<format>\n@type single_value\n</format>\n</secondary>';
    const buffer = `<buffer>\nretry_wait 0.1s\nretry_max_interval 0.2s\n${limit}\n</buffer>`;
    writeFileSync(join(dir, 'a.log'), 'one\ntwo\n');
    const agent = start(`${tail}<match **>\n${kinesis(`${buffer}\n${second}`)}</match>`);
    await until('the second output', () => textIn(join(dir, 'second')) === 'one\ntwo\n');
    assert.ok(agent.events('blocks_to_secondary').length > 0);
    server.always = { do: 'accept' };
    appendFileSync(join(dir, 'a.log'), 'three\n');
    await until('the stream', () => server.blocks.length > 0);
    assert.equal(await agent.stop(), 0);
    assert.deepEqual(
      recordsOf(server.blocks).map(({ text }) => text),
      ['three\n'],
    );
    assert.equal(textIn(join(dir, 'second')), 'one\ntwo\n');
  });

test('a burst on one shard backs up and recovers: everything once, memory bounded, little sent twice', async (t) => {
  const { dir, server, kinesis, start } = await world(t);
  server.shard = new ShardLimit();
  const lines = Array.from(
    { length: 12_000 },
    (_, i) => `${i} ${`${Math.random()}`.repeat(40).slice(0, 700)}`,
  );
  const bytes = lines.reduce((sum, line) => sum + line.length + 1, 0);
  // Ten megabytes within a second, as single records: the shard takes one a second.
  const agent = start(
    `${tail}<match **>\n${kinesis('payload events\noutbox_size 2m\ndrain_timeout 60s')}</match>`,
  );
  for (let from = 0; from < lines.length; from += 1_200) {
    appendFileSync(
      join(dir, 'a.log'),
      lines
        .slice(from, from + 1_200)
        .map((line) => `${line}\n`)
        .join(''),
    );
    await delay(90);
  }
  let rssMb = 0;
  const look = setInterval(() => {
    const status = readFileSync(`/proc/${agent.pid}/status`, 'utf8');
    rssMb = Math.max(rssMb, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
  }, 200);
  t.after(() => clearInterval(look));
  await until('all lines', () => server.blocks.length >= lines.length, 60_000);
  clearInterval(look);
  assert.equal(await agent.stop(), 0);
  const got = server.blocks.map((data) => (JSON.parse(data.toString()) as { message: string }).message);
  assert.deepEqual(got.toSorted(), lines.toSorted());
  const sent = server.calls.reduce((sum, call) => sum + call.records.length, 0);
  t.diagnostic(`${bytes} bytes, sent/taken ${(sent / lines.length).toFixed(2)}, ${rssMb.toFixed(0)} MB`);
  assert.ok(sent / lines.length <= 1.5, `sent/taken ${sent / lines.length}`);
  assert.ok(rssMb < 250, `${rssMb} MB`);
});
