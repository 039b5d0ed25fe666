import { generationText } from '@millrace/core/ids/generation.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { ControlEntry, Sighting } from '@millrace/core/wire/control.ts';
import { encodeBlock } from '@millrace/core/wire/encode.ts';
import type { AgentTelemetry } from '../events.ts';
import type { Sender } from '../ship/sender.ts';
import type { Outbox } from '../state/outbox.ts';

/** A generation that is followed, and the outputs that its blocks go to. */
export interface Seen extends Omit<Sighting, 'kind' | 'atMs'> {
  outputs: string[];
}

export interface SightingsOptions {
  /** Outputs that are told: their ids, and the stream of their blocks. */
  outputs: { id: string; stream: string }[];
  host: string;
  heartbeatMs: number;
  outbox: Outbox;
  senders: ReadonlyMap<string, Sender>;
  /** Every file that is followed. */
  files(): Seen[];
  clock: Clock;
  telemetry: AgentTelemetry;
}

/** Of one output: what it was told, and what waits to be told at once. */
interface Listener {
  id: string;
  stream: string;
  news: Sighting[];
  /** By generation. */
  told: Map<string, { size: number; position: number; at: number }>;
  /** The last block that told something is not acknowledged. */
  waits: boolean;
  /** It has acknowledged one. */
  heard: boolean;
}

/** Of one block: entries, and what they take before they are compressed. */
const entriesMax = 1_000;
const bytesMax = 256 * 1024;
const entryBytes = 48;
/** News that wait while the stream is down; older ones are still in the log. */
const newsMax = 10_000;
/** Every file is told of again after this, in pieces: a reader need not look further back. */
const againMs = 3_600_000;

/**
 * Tells the stream what the agent sees (D8): that it lives, every interval, with the files that have changed since it
 * told of them; what was destroyed unread, at once. It travels in blocks without records.
 */
export class Sightings {
  readonly #options: SightingsOptions;
  readonly #listeners: Listener[];
  readonly #countLost: (amount?: number) => void;
  #wake = new AbortController();

  constructor(options: SightingsOptions) {
    this.#options = options;
    this.#listeners = options.outputs.map((output) => ({
      ...output,
      news: [],
      told: new Map(),
      waits: false,
      heard: false,
    }));
    this.#countLost = options.telemetry.counter(
      'sightings_lost_total',
      'Sightings (destroyed, closed) that found no room while they waited for the stream.',
    );
  }

  /** Something that is told at once, and not again. */
  news(kind: Sighting['kind'], seen: Seen): void {
    const { outputs, ...sighting } = seen;
    for (const listener of this.#listeners) {
      if (!outputs.includes(listener.id)) continue;
      listener.news.push({ kind, atMs: this.#options.clock.now(), ...sighting });
      if (listener.news.length > newsMax) {
        listener.news.shift();
        this.#countLost();
      }
    }
    if (kind === 'vanished') this.#wake.abort();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, heartbeatMs } = this.#options;
    if (heartbeatMs === 0) return;
    let due = clock.monotonic() + heartbeatMs;
    while (!signal.aborted) {
      await clock.sleep(Math.max(0, due - clock.monotonic()), AbortSignal.any([signal, this.#wake.signal]));
      if (signal.aborted) return;
      const heartbeat = clock.monotonic() >= due;
      if (heartbeat) due += heartbeatMs * Math.ceil((clock.monotonic() - due + 1) / heartbeatMs);
      this.#wake = new AbortController();
      for (const listener of this.#listeners)
        if (heartbeat || listener.news.length > 0) this.#tell(listener, heartbeat ? 'heartbeat' : undefined);
    }
  }

  /** The agent ends in good order: whoever has heard from it is told, unless the stream does not answer now. */
  end(): void {
    for (const listener of this.#listeners) if (listener.heard) this.#tell(listener, 'stopped');
  }

  /** Without room in the outbox, or while the last ones wait, it is told with the next heartbeat. */
  #tell(listener: Listener, occasion: 'heartbeat' | 'stopped' | undefined): void {
    if (listener.waits) return;
    const { outbox, senders, clock, heartbeatMs, host } = this.#options;
    const atMs = clock.now();
    const news = listener.news.slice(0, entriesMax);
    const changed = occasion ? this.#changed(listener, news.length) : [];
    const control: ControlEntry[] = [
      ...(occasion === 'heartbeat' ? [{ kind: occasion, atMs, intervalMs: heartbeatMs }] : []),
      ...news,
      ...changed.map(({ outputs, ...sighting }) => ({ kind: 'seen' as const, atMs, ...sighting })),
      ...(occasion === 'stopped' ? [{ kind: occasion, atMs }] : []),
    ];
    const { id, stream } = listener;
    const head = { host, agent: outbox.agentId, stream, rules: [], sources: [], runs: [] };
    const bytes = encodeBlock({ ...head, control }, Buffer.alloc(0));
    const blocks = outbox.put([id], { bytes, runs: [], positions: [] });
    if (blocks === undefined) return;
    listener.news.splice(0, news.length);
    for (const { generation, size, position } of changed)
      listener.told.set(generationText(Buffer.from(generation)), { size, position, at: clock.monotonic() });
    listener.waits = true;
    for (const block of blocks) {
      void outbox.whenAcknowledged(block.seq).then(() => {
        listener.waits = false;
        listener.heard = true;
      });
      senders.get(id)?.add(block);
    }
  }

  /** Files that the output was not told of as they are now, those that have waited longest first. */
  #changed(listener: Listener, entries: number): Seen[] {
    const now = this.#options.clock.monotonic();
    const told = new Map<string, Listener['told'] extends Map<string, infer T> ? T : never>();
    const due: { seen: Seen; at: number }[] = [];
    for (const seen of this.#options.files()) {
      if (!seen.outputs.includes(listener.id)) continue;
      const key = generationText(Buffer.from(seen.generation));
      const before = listener.told.get(key);
      if (before) told.set(key, before);
      const same = before && before.size === seen.size && before.position === seen.position;
      if (!same || now - before.at >= againMs) due.push({ seen, at: before?.at ?? Number.NEGATIVE_INFINITY });
    }
    listener.told = told;
    due.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
    const taken: Seen[] = [];
    let bytes = 0;
    for (const { seen } of due) {
      bytes += entryBytes + Buffer.byteLength(seen.path) + Buffer.byteLength(seen.tag);
      if (entries + taken.length >= entriesMax || bytes > bytesMax) break;
      taken.push(seen);
    }
    return taken;
  }
}
