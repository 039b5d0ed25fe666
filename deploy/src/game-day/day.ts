import { appendFileSync, mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { MillraceError, messageOf } from '@millrace/core/errors.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import { type StackPaths, stackPaths } from '../local/config-files.ts';
import { httpGet } from '../local/http.ts';
import { metricValues } from '../local/metrics.ts';
import { type StackPorts, stackPorts } from '../local/ports.ts';
import type { Millrace, Outcome } from './public-command.ts';
import { isWhole, type Tally, tallyOf, tallyText } from './tally.ts';
import type { ThrottledStream } from './throttle.ts';

export interface DayOptions {
  /** Absolute; everything of the day is in it. */
  dir: string;
  portBase: number;
  clock: Clock;
  millrace: Millrace;
  stream: ThrottledStream;
  say(text: string): void;
  signal: AbortSignal;
}

const files = 4;
const pollMs = 1_000;
/** A stack on a slow machine, its store filled from nothing. */
const patienceSeconds = 600;
/** The store alone: the archive would answer for what the store lacks. */
const hot = ['--source', 'hot'];
/** Objects, give-ups and passes in seconds in place of minutes: what happens is the same, the waiting is not. */
const settings = [
  'consumer.archive.idle_ms_max=2000',
  'consumer.archive.object_age_ms_max=10000',
  'consumer.index.give_up_ms=10000',
  'consumer.filler.interval_ms=3000',
  'consumer.filler.min_age_ms=5000',
];

/** One local stack on a bad day: lines are written, things are taken away from it, and it is asked what is there. */
export class GameDay {
  readonly paths: StackPaths;
  readonly ports: StackPorts;
  readonly stream: ThrottledStream;
  readonly logs: string;
  readonly #options: DayOptions;
  readonly #token: string;
  readonly #written: string[] = [];
  /** How many of the lines may be there twice: those before a position store was lost. */
  #repeated = 0;

  constructor(options: DayOptions) {
    this.#options = options;
    this.paths = stackPaths(join(options.dir, 'data'));
    this.ports = stackPorts(options.portBase);
    this.stream = options.stream;
    this.logs = join(options.dir, 'logs');
    this.#token = `gameday${Buffer.from(options.clock.bytes(4)).toString('hex')}`;
    mkdirSync(this.logs, { recursive: true });
  }

  /** Says what is done or seen. */
  say(text: string): void {
    this.#options.say(`  ${text}\n`);
  }

  async up(): Promise<void> {
    await this.command(
      'up',
      '--detach',
      ...['--port-base', String(this.#options.portBase), '--logs', join(this.logs, '*.log')],
      ...[...settings, `agent.match.endpoint=${this.stream.url}`].flatMap((setting) => ['--set', setting]),
    );
  }

  async down(): Promise<void> {
    await this.command('down');
  }

  /** Runs `./millrace` on this stack. @throws MillraceError ENGINE_FAILED when it does not end with 0 */
  async command(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.ask(...args);
    if (code === 0) return stdout;
    throw new MillraceError('ENGINE_FAILED', `./millrace ${args[0]} ended with ${code}: ${tail(stderr)}`, {
      hint: `the logs of the parts are in ${this.paths.logs}`,
    });
  }

  /** The same, whatever its exit code. */
  ask(...args: string[]): Promise<Outcome> {
    return this.#options.millrace([...args, '--data', this.paths.dataDir]);
  }

  /** What is missing for longer than the settings above let it take is a gap. */
  ledger(...more: string[]): Promise<Outcome> {
    return this.ask(
      'ledger',
      '--since',
      'now-2d',
      '--older-than',
      '30s',
      '--file',
      `${this.logs}/*`,
      ...more,
    );
  }

  /** Appends lines to the files, the same number to each. */
  write(count: number): void {
    for (let file = 0; file < files; file++) {
      const from = this.#written.length;
      const lines = Array.from({ length: Math.ceil(count / files) }, (_, i) => `${this.#token} ${from + i}`);
      appendFileSync(this.file(file), `${lines.join('\n')}\n`);
      this.#written.push(...lines);
    }
  }

  file(number: number): string {
    return join(this.logs, `app-${number}.log`);
  }

  get files(): string[] {
    return Array.from({ length: files }, (_, number) => this.file(number));
  }

  /** Name that the agent gives this machine. */
  get host(): string {
    return hostname();
  }

  /** From now on lines written before may be in search twice. */
  positionsLost(): void {
    this.#repeated = this.#written.length;
  }

  async tally(): Promise<Tally> {
    const options = ['--since', '7d', '--format', 'ndjson', '--fields', 'message', '--sort', 'none', ...hot];
    const text = await this.command('export', this.#token, ...options);
    const found = text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => String((JSON.parse(line) as { message?: unknown }).message));
    return tallyOf(this.#written, found, new Set(this.#written.slice(0, this.#repeated)));
  }

  /** Waits until search has every line, none of them too often. */
  async whole(): Promise<void> {
    let last = 'search did not answer';
    await this.until('search has every line once', async () => {
      const tally = await this.tally();
      last = tallyText(tally);
      return tally.missing.length === 0;
    }).catch((cause: unknown) => {
      throw new MillraceError('DEADLINE', `${messageOf(cause)}: ${last}`, { cause });
    });
    const tally = await this.tally();
    if (!isWhole(tally)) throw unexpected(tallyText(tally));
    this.say(tallyText(tally));
  }

  /** A part's metric, all of its series together; 0 where it has none. */
  async metric(part: 'agent' | 'consumer', name: string): Promise<number> {
    const { body } = await httpGet(`http://127.0.0.1:${this.ports[part]}/metrics`);
    return (metricValues(body).get(name) ?? []).reduce((sum, value) => sum + value, 0);
  }

  pause(seconds: number): Promise<void> {
    return this.#options.clock.sleep(seconds * 1_000, this.#options.signal);
  }

  /** @throws MillraceError DEADLINE */
  async until(what: string, look: () => Promise<boolean>, seconds = patienceSeconds): Promise<void> {
    const { clock, signal } = this.#options;
    const deadline = clock.monotonic() + seconds * 1_000;
    let problem = '';
    do {
      try {
        if (await look()) return;
        problem = '';
      } catch (error) {
        problem = ` (${messageOf(error)})`;
      }
      await clock.sleep(pollMs, signal);
    } while (clock.monotonic() < deadline && !signal.aborted);
    const why = signal.aborted ? 'interrupted before' : `not within ${seconds} s`;
    throw new MillraceError('DEADLINE', `${why}: ${what}${problem}`);
  }

  /** @throws MillraceError ENGINE_FAILED */
  expect(what: string, holds: boolean): void {
    if (!holds) throw unexpected(what);
    this.say(what);
  }
}

function unexpected(what: string): MillraceError {
  return new MillraceError('ENGINE_FAILED', `not as expected: ${what}`, {
    hint: 'the stack is stopped, its folder is kept: ./millrace up --data DIR starts it again',
  });
}

function tail(text: string): string {
  return text.trimEnd().split('\n').slice(-3).join(' · ').slice(-600);
}
