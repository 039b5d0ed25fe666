import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { AgentProcess } from '../testing/agent-process.ts';
import { BlockAppend } from './whole-files.ts';

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-file-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** An agent that writes what it tails to `out`, in `dir`; each waits little before it tries again. */
function createStart(t: TestContext, dir: string, out: string, more = '') {
  const config = join(dir, 'agent.conf');
  const text = `<system>
state_dir ${dir}/state
</system>
<source>
@type tail
path ${dir}/*.log
tag t
read_from_head true
<parse>
@type none
</parse>
</source>
<match **>
@type file
path ${out}/all
${more}
<format>
@type single_value
</format>
<buffer>
retry_wait 0.1s
retry_max_interval 0.3s
</buffer>
</match>
`;
  writeFileSync(config, text);
  return (...args: string[]) => {
    const agent = new AgentProcess(config, args);
    t.after(() => (agent.running ? agent.kill() : undefined));
    return agent;
  };
}

function sizeOf(out: string): number {
  if (!existsSync(out)) return 0;
  return readdirSync(out).reduce((sum, name) => sum + statSync(join(out, name)).size, 0);
}

function textOf(out: string, gzip: boolean): string {
  if (!existsSync(out)) return '';
  return readdirSync(out)
    .map((name) => readFileSync(join(out, name)))
    .map((bytes) => (gzip ? gunzipSync(bytes) : bytes).toString())
    .join('');
}

async function until(what: string, holds: () => boolean, ms = 30_000): Promise<void> {
  for (const end = performance.now() + ms; !holds(); await delay(5))
    assert.ok(performance.now() < end, `${what} within ${ms} ms`);
}

for (const gzip of [false, true])
  test(`an agent that is killed in the middle of its writes leaves whole ${gzip ? 'gzip members' : 'lines'}, with each line at least once`, async (t) => {
    const dir = folder(t);
    const out = join(dir, 'out');
    const start = createStart(t, dir, out, gzip ? 'compress gzip' : '');
    const lines = Array.from({ length: 100_000 }, (_, i) => `${i} ${`${Math.random()}`.repeat(12)} end`);
    writeFileSync(join(dir, 'a.log'), lines.map((line) => `${line}\n`).join(''));
    const kills = 8;
    let torn = 0;
    for (let kill = 0; kill < kills; kill++) {
      const before = sizeOf(out);
      const agent = start();
      // Each gets a little further.
      await until('a write', () => sizeOf(out) > before || !agent.running);
      await delay(kill % 5);
      await agent.kill();
      if (!gzip && !textOf(out, gzip).endsWith('\n')) torn++;
    }
    assert.equal(await start('--once').exited(), 0);
    const written = textOf(out, gzip);
    assert.ok(written.endsWith('\n'));
    const got = written.slice(0, -1).split('\n');
    const wanted = new Set(lines);
    const parts = got.filter((line) => !wanted.has(line));
    assert.equal(new Set(got).size - parts.length, lines.length, 'each line is there, whole');
    assert.equal(parts.length, torn, 'nothing but what a kill cut short, on a line of its own');
    assert.ok(parts.every((part) => lines[Number.parseInt(part, 10)]?.startsWith(part)));
    t.diagnostic(`${kills} kills, ${torn} of them within a line, ${got.length - lines.length} lines twice`);
  });

/** What was there, and a part of what was written behind it when the process died. */
const torn: [what: string, gzip: boolean, before: Buffer, after: string][] = [
  ['an unfinished line', false, Buffer.from('one\ntw'), 'one\ntw\nthree\n'],
  ['a finished line', false, Buffer.from('one\n'), 'one\nthree\n'],
  ['nothing', false, Buffer.from(''), 'three\n'],
  ['nothing', true, Buffer.from(''), 'three\n'],
  ["somebody else's gzip member", true, gzipSync('one\n'), 'one\nthree\n'],
];
for (const [what, gzip, before, after] of torn)
  test(`behind ${what} a file${gzip ? ' of gzip members' : ''} goes on with a whole line`, async (t) => {
    const path = join(folder(t), 'all.log');
    writeFileSync(path, before);
    await new BlockAppend().append(path, 'three\n', gzip);
    const bytes = readFileSync(path);
    assert.equal((gzip ? gunzipSync(bytes) : bytes).toString(), after);
  });

test('a gzip member that was cut anywhere is cut off, and those before it stay', async (t) => {
  const dir = folder(t);
  const first = join(dir, 'first.log');
  for (const line of ['one\n', 'two\n']) await new BlockAppend().append(first, line, true);
  const both = readFileSync(first);
  const oneEnd = both.indexOf(both.subarray(0, 16), 1);
  for (let end = oneEnd + 1; end <= both.length; end++)
    for (const zeros of [0, both.length - end]) {
      const path = join(dir, `${end}-${zeros}.log`);
      const cut = Buffer.concat([both.subarray(0, end), Buffer.alloc(zeros)]);
      writeFileSync(path, cut);
      await new BlockAppend().append(path, 'three\n', true);
      const kept = cut.equals(both) ? 'one\ntwo\nthree\n' : 'one\nthree\n';
      assert.equal(gunzipSync(readFileSync(path)).toString(), kept, `cut at ${end}, ${zeros} zeros`);
    }
});

test('bytes that are no gzip members are not cut off', async (t) => {
  const path = join(folder(t), 'all.log');
  writeFileSync(path, 'plain text of an earlier configuration');
  await new BlockAppend().append(path, 'three\n', true);
  assert.match(readFileSync(path, 'latin1'), /^plain text of an earlier configuration\x1f\x8b/);
});

test('text without line ends gets none', async (t) => {
  const path = join(folder(t), 'all.log');
  writeFileSync(path, 'one');
  await new BlockAppend().append(path, 'two', false);
  assert.equal(readFileSync(path, 'utf8'), 'onetwo');
});

test('what is taken back is gone, unless another has appended behind it', async (t) => {
  const path = join(folder(t), 'all.log');
  writeFileSync(path, 'one\ntw');
  const block = new BlockAppend();
  await block.append(path, 'three\n', false);
  await block.append(path, 'four\n', false);
  await block.takeBack();
  assert.equal(readFileSync(path, 'utf8'), 'one\ntw');
  const again = new BlockAppend();
  await again.append(path, 'three\n', false);
  appendFileSync(path, 'of another\n');
  await again.takeBack();
  assert.equal(readFileSync(path, 'utf8'), 'one\ntw\nthree\nof another\n');
});

test('a full disk is waited for: the failure is told, and each line is there once when there is room', async (t) => {
  const out = mkdtempSync(join(tmpdir(), 'millrace-disk-'));
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', out]).status !== 0)
    return t.diagnostic('no file system can be mounted here: nothing was tested');
  t.after(() => {
    spawnSync('umount', ['-l', out]);
    rmSync(out, { recursive: true, force: true });
  });
  const dir = folder(t);
  writeFileSync(join(out, 'filler'), Buffer.alloc(1024 * 1024));
  const lines = Array.from({ length: 10_000 }, (_, i) => `${i} ${`${Math.random()}`.repeat(8)}`);
  const text = lines.map((line) => `${line}\n`).join('');
  assert.ok(text.length > 1024 * 1024);
  writeFileSync(join(dir, 'a.log'), text);
  const agent = createStart(t, dir, out)();
  await until('a failure that is told', () => agent.events('write_failed').length > 2);
  assert.match(String(agent.events('write_failed')[0]?.error), /ENOSPC/);
  rmSync(join(out, 'filler'));
  await until('all lines', () => textOf(out, false).length >= text.length);
  assert.equal(await agent.stop(), 0);
  assert.equal(textOf(out, false), text);
});
