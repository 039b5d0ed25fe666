import { isMillraceError, messageOf } from '@millrace/core/errors.ts';
import { plainAddressOf } from '../../input/connections.ts';
import type { HostNames } from '../../input/host-names.ts';
import type { InputContext } from '../../input/input.ts';
import type { Datagram } from '../../input/listeners.ts';
import { Batches, type Counted } from './batches.ts';
import type { SyslogConfig } from './config.ts';

/** Drops are reported once in this time. */
const reportMs = 1_000;
/** What a datagram takes beside its bytes while it waits. */
const datagramBytes = 256;

/** Messages by UDP: nobody waits for an answer, and who finds no room is dropped and counted. */
export class Datagrams {
  readonly #config: SyslogConfig;
  readonly #context: InputContext;
  readonly #names: HostNames;
  readonly #batches: Batches;
  readonly #open = new Set<Promise<void>>();
  #waiting: { message: Buffer; address: string }[] = [];
  /** Of what waits and of what is not stored. */
  #bytes = 0;
  #dropped = 0;
  #reporting: AbortController | undefined;
  #release: (() => void) | undefined;

  constructor(config: SyslogConfig, context: InputContext, names: HostNames) {
    this.#config = config;
    this.#context = context;
    this.#names = names;
    this.#batches = new Batches(config);
  }

  async start(): Promise<void> {
    const { listeners, telemetry } = this.#context;
    this.#release = await listeners.udp(this.#config.bind, this.#config.port, {
      take: (datagram) => this.#take(datagram),
      dropped: (count) => this.#drop(count),
      failed: (error) =>
        telemetry.emit('listener_failed', { source: this.#config.id, error: messageOf(error) }),
    });
  }

  async stop(): Promise<void> {
    this.#release?.();
    while (this.#open.size > 0) await Promise.all(this.#open);
    this.#reporting?.abort();
    this.#report();
  }

  #take({ bytes, from }: Datagram): void {
    if (bytes.length === 0) return;
    if (
      this.#bytes + bytes.length + datagramBytes > this.#config.queueBytesMax ||
      this.#context.intake.full
    ) {
      this.#drop(1);
      return;
    }
    this.#bytes += bytes.length + datagramBytes;
    this.#waiting.push({ message: bytes, address: plainAddressOf(from.address) });
    // What the system has ready is taken together.
    if (this.#waiting.length === 1)
      this.#track(new Promise<void>((resolve) => setImmediate(resolve)).then(() => this.#store()));
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#open.delete(tracked));
    this.#open.add(tracked);
  }

  async #store(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    const names = new Map<string, string>();
    const { resolveHostname } = this.#config;
    const addresses = new Set(waiting.map(({ address }) => address));
    if (resolveHostname)
      await Promise.all([...addresses].map(async (each) => names.set(each, await this.#names.nameOf(each))));
    for (const { message, address } of waiting)
      this.#batches.add(message, { address, name: names.get(address) ?? address });
    const sizes = waiting.reduce((sum, { message }) => sum + message.length + datagramBytes, 0);
    try {
      await Promise.all(this.#batches.take().map((batch) => this.#push(batch)));
    } finally {
      this.#bytes -= sizes;
    }
  }

  async #push(batch: Counted): Promise<void> {
    try {
      await this.#context.intake.push(batch);
    } catch (error) {
      if (!isMillraceError(error, 'OUTBOX_FULL'))
        this.#context.telemetry.emit('batch_refused', {
          source: this.#config.id,
          tag: batch.tag,
          error: messageOf(error),
        });
      this.#drop(batch.count);
    }
  }

  #drop(count: number): void {
    this.#dropped += count;
    if (this.#reporting) return;
    const reporting = new AbortController();
    this.#reporting = reporting;
    void this.#context.clock.sleep(reportMs, reporting.signal).then(() => this.#report());
  }

  #report(): void {
    this.#reporting = undefined;
    if (this.#dropped === 0) return;
    this.#context.telemetry.emit('datagrams_dropped', { source: this.#config.id, datagrams: this.#dropped });
    this.#dropped = 0;
  }
}
