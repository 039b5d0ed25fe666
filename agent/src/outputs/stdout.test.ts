import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';

const main = join(import.meta.dirname, '../main.ts');

/** An agent that writes to a pipe. */
function startPiped(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-stdout-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const config = join(dir, 'agent.conf');
  const format = '<format>\n@type single_value\n</format>\n<buffer>\nretry_wait 0.2s\n</buffer>';
  writeFileSync(
    config,
    `<system>\nstate_dir ${dir}/state\n</system>
<source>\n@type tail\npath ${dir}/*.log\ntag t\nread_from_head true\n<parse>\n@type none\n</parse>\n</source>
<match **>\n@type stdout\ndrain_timeout 1s\n${format}\n</match>\n`,
  );
  const append = (text: string) => appendFileSync(join(dir, 'a.log'), text);
  const start = () => {
    const child = spawn(process.execPath, [main, 'run', '--config', config], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH },
    });
    t.after(() => child.kill('SIGKILL'));
    const events: string[] = [];
    createInterface({ input: child.stderr }).on('line', (line) => {
      events.push((JSON.parse(line) as { event: string }).event);
    });
    return { child, events, exited: once(child, 'close') as Promise<[number | null, string | null]> };
  };
  return { append, start };
}

async function until(what: string, holds: () => boolean, ms = 30_000): Promise<void> {
  for (const end = performance.now() + ms; !holds(); await delay(10))
    assert.ok(performance.now() < end, `${what} within ${ms} ms`);
}

/** Milliseconds of a processor that it has used. */
function cpuMs({ pid }: ChildProcess): number {
  const [, user, system] =
    /\) \S+(?: \S+){10} (\d+) (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
  return (Number(user) + Number(system)) * 10;
}

async function firstLine(stdout: NodeJS.ReadableStream): Promise<string> {
  const lines = createInterface({ input: stdout });
  const [line] = (await once(lines, 'line')) as [string];
  return line;
}

test('a reader that goes away neither ends the agent nor keeps it busy, and SIGTERM ends it within its drain timeout', async (t) => {
  const { append, start } = startPiped(t);
  append('one\n');
  const { child, events, exited } = start();
  assert.equal(await firstLine(child.stdout), 'one');
  child.stdout.destroy();
  append('two\n');
  await until('two failures', () => events.filter((event) => event === 'write_failed').length >= 2);
  const before = cpuMs(child);
  await delay(2_000);
  assert.equal(child.exitCode, null);
  assert.ok(cpuMs(child) - before < 1_000, 'it waits between its tries');
  assert.ok(events.filter((event) => event === 'write_failed').length < 12);
  child.kill('SIGTERM');
  assert.deepEqual(await exited, [1, null]);
  assert.ok(events.includes('drain_deadline'));
  // What the reader did not take is there for the next one.
  const next = start();
  assert.equal(await firstLine(next.child.stdout), 'two');
  next.child.kill('SIGTERM');
  assert.deepEqual(await next.exited, [0, null]);
});

test('a reader that stops reading does not keep the agent from ending, and the next one gets all', async (t) => {
  const { append, start } = startPiped(t);
  const lines = Array.from({ length: 30_000 }, (_, i) => `${i} ${`${Math.random()}`.repeat(3)}`);
  append(lines.map((line) => `${line}\n`).join(''));
  const { child, events, exited } = start();
  await until('the agent starts', () => events.includes('agent_started'));
  await delay(500);
  // A reload while the reader does not read: nothing is written twice behind what waits.
  child.kill('SIGHUP');
  await until('the handover', () => events.filter((event) => event === 'agent_started').length === 2);
  child.kill('SIGTERM');
  const [code] = await once(child, 'exit');
  assert.equal(code, 1);
  child.stdout.destroy();
  await exited;
  const next = start();
  const got: string[] = [];
  createInterface({ input: next.child.stdout }).on('line', (line) => got.push(line));
  await until('all lines', () => got.length >= lines.length);
  next.child.kill('SIGTERM');
  assert.deepEqual(await next.exited, [0, null]);
  assert.deepEqual(got, lines);
});
