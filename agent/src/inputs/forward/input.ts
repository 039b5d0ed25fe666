import { messageOf } from '@millrace/core/errors.ts';
import { type Connection, Connections } from '../../input/connections.ts';
import { HostNames } from '../../input/host-names.ts';
import type { Input, InputContext } from '../../input/input.ts';
import type { Datagram } from '../../input/listeners.ts';
import { Turns } from '../../input/turns.ts';
import { Chunks } from './chunks.ts';
import type { ForwardConfig } from './config.ts';
import { ForwardConnection, type Shared } from './connection.ts';
import { type FindClient, resolveClients } from './handshake.ts';
import { ReceiveMemory } from './receive-memory.ts';

/** Longer datagrams are no heartbeats. */
const heartbeatBytesMax = 128;

/** `<source> @type forward`: the Forward protocol, version 1. */
export class ForwardInput implements Input {
  readonly #context: InputContext;
  readonly #shared: Shared;
  readonly #connections: Connections;
  readonly #names: HostNames;
  #findClient: FindClient = () => undefined;
  #release: (() => void) | undefined;

  constructor(config: ForwardConfig, context: InputContext) {
    const { intake, clock, telemetry } = context;
    this.#context = context;
    this.#names = new HostNames(clock);
    const chunks = new Chunks(intake, config.chunkKeepMs, config.ack);
    const memory = new ReceiveMemory(config.memoryBytesMax, clock);
    this.#shared = { config, intake, chunks, memory, turns: new Turns(), clock, telemetry };
    this.#connections = new Connections({ ...config, source: config.id }, context, (connection, stopping) =>
      this.#serve(connection, stopping),
    );
  }

  async start(): Promise<void> {
    const { config } = this.#shared;
    if (config.security) this.#findClient = await resolveClients(config.security.clients);
    await this.#connections.start();
    this.#release = await this.#context.listeners.udp(config.bind, config.port, {
      take: (datagram) => answerHeartbeat(datagram),
      failed: (error) =>
        this.#context.telemetry.emit('listener_failed', { source: config.id, error: messageOf(error) }),
    });
  }

  async stop(): Promise<void> {
    this.#release?.();
    await this.#connections.stop();
  }

  async #serve(connection: Connection, stopping: AbortSignal): Promise<void> {
    const { address } = connection;
    const { addressKey, hostnameKey, resolveHostname } = this.#shared.config;
    const name = resolveHostname ? await this.#names.nameOf(address) : address;
    const members =
      (addressKey === undefined ? '' : `,${JSON.stringify(addressKey)}:${JSON.stringify(address)}`) +
      (hostnameKey === undefined ? '' : `,${JSON.stringify(hostnameKey)}:${JSON.stringify(name)}`);
    await new ForwardConnection(this.#shared, connection, members, this.#findClient(address)).run(stopping);
  }
}

function answerHeartbeat({ bytes, reply }: Datagram): void {
  if (bytes.length <= heartbeatBytesMax) reply(Buffer.from([0]));
}
