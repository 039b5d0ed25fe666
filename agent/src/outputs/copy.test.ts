import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { AgentProcess } from '../testing/agent-process.ts';
import { KinesisServer } from '../testing/kinesis-server.ts';
import { copiesOf } from '../testing/received.ts';

/** A folder with `a.log`, a stream, and agents with these sections behind the source. */
async function world(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-copy-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const stream = new KinesisServer();
  await stream.listen();
  t.after(() => stream.close());
  const start = (sections: string, args: string[] = []) => {
    const config = join(dir, 'agent.conf');
    const system = `<system>\nstate_dir ${dir}/state\n</system>\n`;
    const source = `<source>\n@type tail\npath ${dir}/*.log\ntag t\nread_from_head true\n<parse>\n@type none\n</parse>\n</source>\n`;
    writeFileSync(config, `${system}${source}${sections}`);
    const agent = new AgentProcess(config, args);
    t.after(() => (agent.running ? agent.kill() : undefined));
    return agent;
  };
  const blocks = `<store>\n@type kinesis_streams\nstream_name s\nregion r\nendpoint ${stream.url}\n<buffer>\nretry_wait 0.1s\n</buffer>\n</store>`;
  const file = (name: string, tag = 'store') =>
    `<${tag}${tag === 'match' ? ' **' : ''}>\n@type file\npath ${dir}/${name}/all\n<format>\n@type single_value\n</format>\n</${tag}>`;
  const linesOf = (name: string) => {
    try {
      const [only = ''] = readdirSync(join(dir, name));
      return readFileSync(join(dir, name, only), 'utf8')
        .split('\n')
        .slice(0, -1);
    } catch {
      return [];
    }
  };
  const sent = () => [...copiesOf(stream.blocks)].map(({ text }) => text.trimEnd());
  return { dir, stream, start, blocks, file, linesOf, sent };
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const end = performance.now() + 30_000; !holds(); await delay(5))
    assert.ok(performance.now() < end, `never: ${what}`);
}

function assertSet(got: string[], wanted: string[], what: string): void {
  const [all, want] = [new Set(got), new Set(wanted)];
  assert.equal(all.difference(want).size, 0, `${what}: nothing else`);
  assert.equal(want.difference(all).size, 0, `${what}: everything`);
}

test('each branch of a copy is complete, by its own filters and from its own position, however often the agent is killed', async (t) => {
  const { dir, stream, start, blocks, file, linesOf, sent } = await world(t);
  const drop = '<filter **>\n@type grep\nexclude1 message drop\n</filter>';
  const less = '<store>\n@type relabel\n@label @less\n</store>';
  const sections = `<match **>\n@type copy\n${blocks}\n${file('all')}\n${less}\n</match>
<label @less>\n${drop}\n${file('less', 'match')}\n</label>\n`;
  const lines = Array.from(
    { length: 120_000 },
    (_, i) => `${i % 3 === 0 ? 'drop' : 'keep'} ${i} ${Math.random()} ${Math.random()}`,
  );
  writeFileSync(join(dir, 'a.log'), lines.map((line) => `${line}\n`).join(''));
  // One of three is down at first, so that positions drift apart.
  stream.always = { do: 'fail', status: 500, code: 'InternalFailure' };
  for (let kill = 0; kill < 6; kill++) {
    if (kill === 3) stream.always = { do: 'accept' };
    const before = [linesOf('all').length, linesOf('less').length, stream.calls.length].join();
    const agent = start(sections);
    await until(
      'something new',
      () => before !== [linesOf('all').length, linesOf('less').length, stream.calls.length].join(),
    );
    await delay(kill * 15);
    await agent.kill();
  }
  const last = start(sections, ['--once']);
  assert.equal(await last.exited(), 0, last.complaints.join('\n'));
  assertSet(sent(), lines, 'the stream');
  assertSet(linesOf('all'), lines, 'the file');
  assertSet(
    linesOf('less'),
    lines.filter((line) => line.startsWith('keep')),
    'the filtered file',
  );
});

test('a state folder of schema 1 is read on: the first store of a copy goes on, another gets all from the start', async (t) => {
  const { dir, start, blocks, file, linesOf, sent } = await world(t);
  writeFileSync(join(dir, 'a.log'), 'one\ntwo\n');
  const alone = blocks.replace('<store>', '<match **>').replace('</store>', '</match>');
  assert.equal(await start(alone, ['--once']).exited(), 0);
  assert.deepEqual(sent(), ['one', 'two']);
  const store = new DatabaseSync(join(dir, 'state', 'positions.db'));
  store.exec(`ALTER TABLE generation DROP COLUMN reader; ALTER TABLE generation DROP COLUMN continues;
ALTER TABLE generation DROP COLUMN dropping; DROP TABLE note; UPDATE meta SET value = '1' WHERE key = 'schema';`);
  store.close();
  writeFileSync(join(dir, 'a.log'), 'three\n', { flag: 'a' });
  const both = `<match **>\n@type copy\n${blocks}\n${file('second')}\n</match>\n`;
  const agent = start(both, ['--once']);
  assert.equal(await agent.exited(), 0, agent.complaints.join('\n'));
  assert.deepEqual(sent(), ['one', 'two', 'three']);
  assert.deepEqual(linesOf('second'), ['one', 'two', 'three']);
});

test('the stores of a copy in another order go on with their own: what waits for one goes to no other', async (t) => {
  const { dir, stream, start, blocks, file, linesOf, sent } = await world(t);
  const lines = Array.from({ length: 20_000 }, (_, i) => `line ${i}`);
  writeFileSync(join(dir, 'a.log'), lines.map((line) => `${line}\n`).join(''));
  stream.always = { do: 'fail', status: 500, code: 'InternalFailure' };
  const first = start(`<match **>\n@type copy\n${blocks}\n${file('all')}\n</match>`);
  await until('the file has all', () => linesOf('all').length === lines.length);
  await first.kill();
  stream.always = { do: 'accept' };
  const second = start(`<match **>\n@type copy\n${file('all')}\n${blocks}\n</match>`);
  await until('the stream has all', () => new Set(sent()).size === lines.length);
  await second.stop();
  assertSet(sent(), lines, 'the stream');
  assertSet(linesOf('all'), lines, 'the file');
});
