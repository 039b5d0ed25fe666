import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { InputCase } from '../../testing/input-case.ts';
import { recordsOf } from '../../testing/received.ts';

const main = join(import.meta.dirname, '../../main.ts');

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A child that nobody has waited for yet is dead too.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

test('what a command writes comes to the stream, and it is run again when it ends', async (t) => {
  const world = await InputCase.open(t, [
    '@type exec',
    'tag t',
    'command echo one; echo error >&2; printf "two \\377"',
  ]);
  await world.start();
  await world.until(() => world.texts().length >= 4, 'two runs');
  await world.stop();
  assert.deepEqual(world.texts().slice(0, 4), ['one\n', 'two \xff', 'one\n', 'two \xff']);
  assert.equal(world.agent.events('command_said')[0]?.text, 'error');
  assert.ok(world.agent.events('command_ended').length > 0);
});

test('a command runs at an interval, its arguments as they are, tags and records as its parser says', async (t) => {
  const world = await InputCase.open(t, [
    ...['@type exec', 'tag t', 'run_interval 0.2s'],
    `command ["printf", "%s\\\\n", "{\\"tag\\":\\"a\\",\\"n\\":1}", "{\\"tag\\":\\"a\\",\\"n\\":2}", "{\\"n\\":3}"]`,
    ...['<parse>', '@type json', '</parse>', '<extract>', 'tag_key tag', '</extract>'],
  ]);
  await world.start();
  await world.until(() => world.records().length >= 6, 'two runs');
  await world.stop();
  const run = ['a {"tag":"a","n":1}\n', 'a {"tag":"a","n":2}\n', 't {"n":3}\n'];
  assert.deepEqual(world.records().slice(0, 6), [...run, ...run]);
});

test('a command and its children end with the agent: at its stop, and when it is killed', async (t) => {
  const world = await InputCase.open(t, [
    '@type exec',
    'tag t',
    "command trap '' HUP; sleep 1000 & echo $! $$; wait",
  ]);
  for (const end of ['kill', 'stop'] as const) {
    await world.start();
    const before = world.texts().length;
    await world.until(() => world.texts().length > before, 'its pids');
    const pids = (world.texts().at(-1) ?? '').trim().split(' ').map(Number);
    assert.ok(pids.length === 2 && pids.every(alive));
    if (end === 'kill') await world.agent.kill();
    else await world.stop();
    await world.until(() => !pids.some(alive), `they end at ${end}`);
  }
});

test('a command that writes more than is stored waits, and nothing is lost', async (t) => {
  // What does not compress, several outboxes of it.
  const command = 'head -c 6000000 /dev/urandom | base64 -w 200 | cat -n; echo end; sleep 1000';
  const world = await InputCase.open(t, ['@type exec', 'tag t', `command ${command}`]);
  world.match = ['outbox_size 2m'];
  world.stream.always = { do: 'slow', ms: 20 };
  await world.start();
  const ended = () => recordsOf(world.stream.blocks.slice(-2)).some(({ text }) => text === 'end\n');
  await world.until(ended, 'all of it');
  await world.stop();
  // Several requests are on their way at once, and come in any order.
  const numbers = world
    .texts()
    .filter((text) => text !== 'end\n')
    .map((text) => Number.parseInt(text, 10));
  assert.deepEqual(
    numbers.sort((a, b) => a - b),
    Array.from({ length: 40_000 }, (_, i) => i + 1),
  );
});

test('standard input is shipped to its end, and run --once ends then', async (t) => {
  const world = await InputCase.open(t, ['@type stdin', 'tag t']);
  const config = join(world.dir, 'stdin.conf');
  const text = [
    ...[
      '<system>',
      `state_dir ${world.dir}/stdin-state`,
      '</system>',
      '<source>',
      '@type stdin',
      'tag t',
      '</source>',
    ],
    ...[
      '<match **>',
      '@type kinesis_streams',
      'stream_name s',
      'region us-east-1',
      `endpoint ${world.stream.url}`,
      '</match>',
    ],
  ];
  writeFileSync(config, `${text.join('\n')}\n`);
  assert.ok(existsSync(config));
  const env = { PATH: process.env.PATH, AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };
  const child = spawn(process.execPath, [main, 'run', '--once', '--config', config], {
    env,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  t.after(() => child.kill('SIGKILL'));
  child.stdin?.write('one\ntw');
  await new Promise((resolve) => setTimeout(resolve, 1500));
  assert.equal(child.exitCode, null, 'it waits for the end');
  child.stdin?.end('o\nlast');
  const [code] = await once(child, 'exit');
  assert.equal(code, 0);
  assert.deepEqual(world.texts(), ['one\n', 'two\n', 'last']);
});
