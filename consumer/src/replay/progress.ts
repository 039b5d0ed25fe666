import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { Counts } from './counts.ts';

const redrawMs = { bar: 250, json: 1000 } as const;
const barWidth = 24;

/** Tells how far a replay is: a line that is redrawn, or NDJSON for the program that started it. */
export class Progress {
  readonly #kind: 'none' | 'bar' | 'json';
  readonly #write: (text: string) => void;
  readonly #clock: Clock;
  readonly #redraws: boolean;
  #totalBytes = 0;
  /** What an earlier run had done says nothing of the rate of this one. */
  #start: { ms: number; bytes: number; events: number } | undefined;
  #shownMs = Number.NEGATIVE_INFINITY;

  constructor(
    kind: 'none' | 'bar' | 'json',
    { stderr, tty, clock }: { stderr(text: string): void; tty: boolean; clock: Clock },
  ) {
    this.#kind = kind === 'none' && tty ? 'bar' : kind;
    this.#write = stderr;
    this.#clock = clock;
    this.#redraws = tty;
  }

  begin(totalBytes: number, counts: Counts): void {
    this.#totalBytes = totalBytes;
    this.#start = { ms: this.#clock.monotonic(), bytes: counts.bytes, events: counts.events };
  }

  update(counts: Counts): void {
    if (this.#kind === 'none') return;
    const now = this.#clock.monotonic();
    if (now - this.#shownMs < redrawMs[this.#kind]) return;
    this.#shownMs = now;
    this.#show(counts);
  }

  /** The last state, whenever the one before was shown. */
  end(counts: Counts): void {
    if (this.#kind === 'none') return;
    this.#show(counts);
    if (this.#kind === 'bar' && this.#redraws) this.#write('\n');
  }

  #show(counts: Counts): void {
    const { share, eventsPerSecond, secondsLeft } = this.#estimate(counts);
    if (this.#kind === 'json') {
      const left = secondsLeft === undefined ? {} : { seconds_left: secondsLeft };
      const line = { type: 'progress', share, events_per_second: eventsPerSecond, ...left, ...counts };
      this.#write(`${JSON.stringify(line)}\n`);
      return;
    }
    const full = Math.round(share * barWidth);
    const bar = '█'.repeat(full) + '░'.repeat(barWidth - full);
    const left = secondsLeft === undefined ? '' : `  ${clockText(secondsLeft)} left`;
    const text =
      `${bar} ${String(Math.floor(share * 100)).padStart(3)} %  ${number(counts.events)} events  ` +
      `${number(eventsPerSecond)}/s${left}  written ${number(counts.written)}, there ${number(counts.existing)}`;
    this.#write(this.#redraws ? `\r\x1b[K${text}` : `${text}\n`);
  }

  #estimate({ bytes, events }: Counts) {
    const start = this.#start ?? { ms: this.#clock.monotonic(), bytes, events };
    const seconds = Math.max(0.001, (this.#clock.monotonic() - start.ms) / 1000);
    const bytesPerSecond = (bytes - start.bytes) / seconds;
    const left = Math.max(0, this.#totalBytes - bytes) / bytesPerSecond;
    return {
      share: this.#totalBytes === 0 ? 1 : Math.min(1, bytes / this.#totalBytes),
      eventsPerSecond: Math.round((events - start.events) / seconds),
      secondsLeft: Number.isFinite(left) ? Math.ceil(left) : undefined,
    };
  }
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}

function clockText(seconds: number): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const rest = `${two(Math.floor((seconds % 3600) / 60))}:${two(seconds % 60)}`;
  return hours === 0 ? rest : `${hours}:${rest}`;
}
