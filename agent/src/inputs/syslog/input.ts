import { type Connection, Connections, sayFarewell } from '../../input/connections.ts';
import { Flow } from '../../input/flow.ts';
import { HostNames } from '../../input/host-names.ts';
import type { Input, InputContext } from '../../input/input.ts';
import { Batches } from './batches.ts';
import type { SyslogConfig } from './config.ts';
import { Datagrams } from './datagrams.ts';
import { FrameReader } from './frames.ts';

/** Bytes of one connection that are taken and not stored. */
const inFlightBytesMax = 2 * 1024 * 1024;

/** `<source> @type syslog`. */
export class SyslogInput implements Input {
  readonly #config: SyslogConfig;
  readonly #context: InputContext;
  readonly #names: HostNames;
  readonly #server: Pick<Input, 'start' | 'stop'>;

  constructor(config: SyslogConfig, context: InputContext) {
    this.#config = config;
    this.#context = context;
    this.#names = new HostNames(context.clock);
    this.#server =
      config.protocol === 'udp'
        ? new Datagrams(config, context, this.#names)
        : new Connections({ ...config, source: config.id }, context, (connection, stopping) =>
            this.#serve(connection, stopping),
          );
  }

  start(): Promise<void> {
    return this.#server.start();
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }

  /** The protocol has no acknowledgement: a sender that is not read from waits, and what was read is stored. */
  async #serve({ socket, address }: Connection, stopping: AbortSignal): Promise<void> {
    const { intake, clock, telemetry } = this.#context;
    const { frameType, delimiter, messageBytesMax, resolveHostname } = this.#config;
    const finish = () => sayFarewell(socket, clock);
    stopping.addEventListener('abort', finish, { once: true });
    if (stopping.aborted) finish();
    const flow = new Flow(intake, inFlightBytesMax);
    const batches = new Batches(this.#config);
    const reader = new FrameReader(frameType, delimiter, messageBytesMax);
    try {
      const sender = { address, name: resolveHostname ? await this.#names.nameOf(address) : address };
      try {
        for await (const chunk of socket) {
          for (const { bytes, cut } of reader.feed(chunk as Buffer)) {
            batches.add(bytes, sender);
            if (cut) telemetry.emit('message_cut', { source: this.#config.id, address });
          }
          for (const batch of batches.take()) await flow.take(batch);
        }
      } finally {
        const last = reader.end();
        if (last) batches.add(last.bytes, sender);
        for (const batch of batches.take()) await flow.take(batch);
      }
    } finally {
      stopping.removeEventListener('abort', finish);
      await flow.settled();
    }
  }
}
