import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '@millrace/core/runtime/clock.ts';
import { preview } from './preview.ts';

const environment = { env: {}, hostname: 'web-1', timeZone: 'UTC' };

/** What a preview writes; `until` waits for a text in it. */
class Screen {
  text = '';
  readonly controller = new AbortController();
  readonly clock = systemClock;
  readonly signal = this.controller.signal;
  #waiting: { text: string; found: () => void } | undefined;

  write(text: string): void {
    this.text += text;
    if (this.#waiting && this.text.includes(this.#waiting.text)) this.#waiting.found();
  }

  async until(text: string): Promise<void> {
    if (this.text.includes(text)) return;
    await new Promise<void>((found) => {
      this.#waiting = { text, found };
    });
  }
}

function start(t: TestContext, text: string | Buffer) {
  const dir = mkdtempSync(join(tmpdir(), 'preview-'));
  const file = join(dir, 'a.log');
  writeFileSync(file, text);
  const screen = new Screen();
  const running: Promise<number>[] = [];
  t.after(async () => {
    screen.controller.abort();
    await Promise.allSettled(running);
    rmSync(dir, { recursive: true });
  });
  const run = (...args: string[]) => {
    const done = preview([file, ...args], environment, screen);
    running.push(done);
    return done;
  };
  return { dir, file, screen, run };
}

test('each record is shown with its time, its fields or why it is rejected, and new lines follow', async (t) => {
  const { file, screen, run } = start(t, '{"time":1,"a":1}\n{"time":1767323045.5,"a":{"b":2}}\nno json\n');
  const done = run('--format', 'json', '--lines', '2');
  await screen.until('no json\n');
  appendFileSync(file, '{"a":"later"}\n');
  await screen.until('"later"\n');
  screen.controller.abort();
  assert.equal(await done, 0);
  assert.match(screen.text, /\n {4}time {2}2026-01-02T03:04:05\.5Z\n {4}a {5}\{"b":2\}\nno json\n/);
  assert.match(screen.text, /no json\n {4}time {11}none of its own\n {4}error \(parse\) {2}.+\n/);
});

test('an expression can be tried out', async (t) => {
  const { screen, run } = start(t, '10.0.0.1 200\n');
  void run('--format', '/^(?<ip>\\S+) (?<code>\\d+)$/');
  await screen.until('code');
  assert.match(screen.text, /ip {4}"10\.0\.0\.1"\n {4}code {2}"200"\n/);
});

test('with a configuration the source that follows the file decides, multiline records included', async (t) => {
  const { dir, file, screen, run } = start(t, '1 a\n  b\n2 c\n');
  const config = join(dir, 'agent.conf');
  writeFileSync(
    config,
    `<source>\n@type tail\npath ${dir}/other/*\ntag t\n<parse>\n@type json\n</parse>\n</source>
<source>\n@type tail\npath ${dir}/*.log\ntag t\n<parse>\n@type multiline\nformat_firstline /^\\d/\nformat1 /(?<n>\\d) (?<text>.*)/\n</parse>\n</source>
<match **>\n@type kinesis_streams\nstream_name s\nregion r\n</match>`,
  );
  const done = run('--config', config);
  await screen.until('1 a\n  b\n');
  appendFileSync(file, '3 d\n');
  await screen.until('2 c\n');
  screen.controller.abort();
  await done;
  assert.match(screen.text, /text {2}"a\\n {2}b"\n/);
  assert.match(screen.text, /\n3 d\n/, 'what is gathered at the end is shown');
});

test('lines of other encodings are decoded', async (t) => {
  const { dir, file, screen, run } = start(t, '');
  const config = join(dir, 'agent.conf');
  writeFileSync(
    config,
    `<source>\n@type tail\npath ${file}\ntag t\nfrom_encoding EUC-KR\n<parse>\n@type none\n</parse>\n</source>
<match **>\n@type kinesis_streams\nstream_name s\nregion r\n</match>`,
  );
  void run('--config', config);
  await screen.until('new lines only');
  appendFileSync(file, Buffer.from([0xc7, 0xd1, 0xb1, 0xdb, 0x0a]));
  await screen.until('한글\n');
});

test('wrong command lines are refused with the usage', async () => {
  const cases: [args: string[], message: string][] = [
    [[], 'preview: one file is expected'],
    [['a', 'b'], 'preview: one file is expected'],
    [['a', '--lines', 'x'], 'preview: --lines x: a whole number is expected'],
    [['a', '--config', 'c', '--format', 'json'], 'preview: --config and --format exclude each other'],
    [
      ['/nonexistent/a.log'],
      "preview: /nonexistent/a.log cannot be followed: ENOENT: no such file or directory, access '/nonexistent/a.log'",
    ],
  ];
  for (const [args, message] of cases)
    await assert.rejects(preview(args, environment, new Screen()), { code: 'USAGE', message });
  await assert.rejects(preview(['a', '--nope'], environment, new Screen()), { code: 'USAGE' });
  await assert.rejects(preview(['a', '--format', 'jsn'], environment, new Screen()), {
    code: 'CONFIG_INVALID',
    message: '--format:1: @type: unknown type "jsn" of <parse>, did you mean "json"?',
  });
});

test('help says what preview takes', async () => {
  const screen = new Screen();
  assert.equal(await preview(['--help'], environment, screen), 0);
  assert.match(screen.text, /agent preview FILE/);
});
