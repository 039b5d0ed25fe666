import type { Socket } from 'node:net';
import { MillraceError } from '@millrace/core/errors.ts';
import type { Rule } from '@millrace/core/rule/rule.ts';
import type { Clock } from '@millrace/core/runtime/clock.ts';
import type { AgentTelemetry } from '../../events.ts';
import { type Connection, sayFarewell } from '../../input/connections.ts';
import { Flow } from '../../input/flow.ts';
import type { Intake } from '../../input/input.ts';
import type { Turns } from '../../input/turns.ts';
import type { ChunkKey, Chunks } from './chunks.ts';
import type { ForwardConfig } from './config.ts';
import { collision, decompressed, type Message, readMessage, writeEvents } from './events.ts';
import { Handshake, type SecurityClient } from './handshake.ts';
import { JsonLines } from './json-lines.ts';
import { MessageReader } from './messages.ts';
import type { ReceiveMemory } from './receive-memory.ts';

/** Bytes of one connection that are taken and not stored. */
const inFlightBytesMax = 4 * 1024 * 1024;
/** Events without an acknowledgement are gathered while what was read lasts, up to this. */
const gatheredBytesMax = 512 * 1024;
/** Acknowledgements that a client does not read. */
const unreadBytesMax = 256 * 1024;
const handshakeMs = 10_000;
/** What who has proven nothing may send at once. */
const pingBytesMax = 16 * 1024;
/** How much longer than its MessagePack a message may be as JSON: as a rule it is as long. */
const jsonFactor = 2;
const timeKey = '@time';

export interface Shared {
  config: ForwardConfig;
  intake: Intake;
  chunks: Chunks;
  memory: ReceiveMemory;
  /** Of connections that decode: what a message becomes is in memory once, and in the intake then. */
  turns: Turns;
  clock: Clock;
  telemetry: AgentTelemetry;
}

interface Gathered {
  tag: string;
  timeKey: string;
  lines: JsonLines;
}

/** Lines of JSON, and the name of the time in them. */
interface Written {
  key: string;
  bytes: Buffer;
}

/** A chunk on its way. */
interface Chunk {
  id: ChunkKey;
  answer: Buffer;
  settle(stored: boolean): void;
}

/** Reads one client's messages until its end, and answers those that ask for it. */
export class ForwardConnection {
  readonly #shared: Shared;
  readonly #socket: Socket;
  readonly #address: string;
  readonly #members: string;
  readonly #reader: MessageReader;
  readonly #flow: Flow;
  readonly #jsonBytesMax: number;
  readonly #lines: JsonLines;
  #endTurn: (() => void) | undefined;
  #gathered: Gathered | undefined;
  /** Undefined: the client has proven what it was to prove. */
  #handshake: Handshake | undefined;
  /** The client was told of the end: what cannot be answered any more is not taken, as it comes again. */
  #ended = false;

  /** `members`: of every record, each `,"name":value`. */
  constructor(
    shared: Shared,
    { socket, address }: Connection,
    members: string,
    client: SecurityClient | undefined,
  ) {
    this.#shared = shared;
    this.#socket = socket;
    this.#address = address;
    this.#members = members;
    const { config, memory, intake, clock } = shared;
    this.#jsonBytesMax = Math.max(config.chunkBytesMax, config.decompressedBytesMax) * jsonFactor;
    this.#lines = new JsonLines(this.#jsonBytesMax);
    const bytesMax = config.security ? pingBytesMax : config.chunkBytesMax;
    this.#reader = new MessageReader(bytesMax, memory, () => clock.monotonic(), {
      get gone() {
        return socket.destroyed;
      },
      evict: (error) => socket.destroy(error),
    });
    this.#flow = new Flow(intake, inFlightBytesMax);
    const random = (size: number) => clock.bytes(size);
    if (config.security)
      this.#handshake = new Handshake(config.security, client, random, !config.denyKeepalive);
  }

  /** @throws MillraceError for what is against the protocol; OUTBOX_FULL when the agent stops first */
  async run(stopping: AbortSignal): Promise<void> {
    const finish = () => void this.#finish();
    stopping.addEventListener('abort', finish, { once: true });
    if (stopping.aborted) finish();
    const done = new AbortController();
    try {
      if (this.#handshake) {
        this.#socket.write(this.#handshake.hello());
        void this.#limitHandshake(done.signal);
      }
      for await (const chunk of this.#socket) await this.#read(chunk as Buffer);
    } finally {
      done.abort();
      this.#endTurn?.();
      stopping.removeEventListener('abort', finish);
      this.#reader.close();
      await this.#flow.settled();
    }
  }

  async #read(chunk: Buffer): Promise<void> {
    await this.#reader.makeRoom(chunk.length);
    for (const message of this.#reader.feed(chunk)) await this.#take(message);
    await this.#flush();
    this.#rest();
    await this.#flow.ready();
  }

  async #work(): Promise<void> {
    this.#endTurn ??= await this.#shared.turns.take();
  }

  #rest(): void {
    this.#endTurn?.();
    this.#endTurn = undefined;
  }

  async #limitHandshake(done: AbortSignal): Promise<void> {
    await this.#shared.clock.sleep(handshakeMs, done);
    if (this.#handshake && !done.aborted) this.#socket.destroy(refused('no PING came'));
  }

  /** Acknowledges what was taken, then says that this is the end. */
  async #finish(): Promise<void> {
    await this.#flow.settled();
    this.#ended = true;
    sayFarewell(this.#socket, this.#shared.clock);
  }

  async #take(bytes: Buffer): Promise<void> {
    if (this.#handshake) {
      this.#judge(this.#handshake, bytes);
      return;
    }
    const message = readMessage(bytes);
    if (message === undefined || (this.#ended && message.chunk !== undefined)) return;
    const { config, telemetry } = this.#shared;
    await this.#work();
    if (bytes.length > config.chunkBytesWarn)
      telemetry.emit('chunk_large', { address: this.#address, tag: message.tag, bytes: bytes.length });
    const events = await decompressed(message, config.decompressedBytesMax);
    if (message.chunk === undefined) await this.#gather(message, events);
    else await this.#takeChunk(message, message.chunk, events);
    if (config.denyKeepalive) void this.#finish();
  }

  #judge(handshake: Handshake, bytes: Buffer): void {
    const { pong, refused: why } = handshake.answer(bytes);
    if (why !== undefined) {
      this.#socket.end(pong);
      throw refused(why);
    }
    this.#handshake = undefined;
    this.#reader.bytesMax = this.#shared.config.chunkBytesMax;
    this.#socket.write(pong);
  }

  /** Events of messages without a chunk id share batches. */
  async #gather(message: Message, events: Buffer): Promise<void> {
    const tag = this.#tagOf(message);
    if (this.#gathered && this.#gathered.tag !== tag) await this.#flush();
    this.#gathered ??= { tag, timeKey, lines: this.#lines };
    const { lines } = this.#gathered;
    const before = lines.size;
    const found = this.#write(message, events, this.#gathered.timeKey, lines);
    if (found === collision) {
      lines.cutTo(before);
      await this.#flush();
      await this.#push(tag, this.#writeApart(message, events));
    }
    if (lines.size > gatheredBytesMax) await this.#flush();
  }

  async #flush(): Promise<void> {
    const gathered = this.#gathered;
    this.#gathered = undefined;
    if (gathered && gathered.lines.size > 0)
      await this.#push(gathered.tag, { key: gathered.timeKey, bytes: gathered.lines.take() });
  }

  async #takeChunk(message: Message, chunk: Buffer, events: Buffer): Promise<void> {
    await this.#flush();
    const { chunks, telemetry } = this.#shared;
    const id = chunks.keyOf(chunk, message.tag, events);
    const answer = Buffer.concat([ackHead, chunk]);
    for (let known = chunks.find(id); known; known = chunks.find(id)) {
      // Whoever waits for the stream does not keep the others from working.
      this.#rest();
      const stored = await known;
      if (stored) {
        telemetry.emit('chunk_repeated', { address: this.#address, tag: message.tag });
        this.#acknowledge(answer);
        return;
      }
      await this.#work();
    }
    const settle = chunks.begin(id);
    let written: Written;
    try {
      written = this.#writeApart(message, events);
    } catch (error) {
      settle(false);
      throw error;
    }
    if (written.bytes.length > 0) {
      await this.#push(this.#tagOf(message), written, { id, answer, settle });
      return;
    }
    settle(true);
    this.#acknowledge(answer);
  }

  async #push(tag: string, { key, bytes }: Written, chunk?: Chunk): Promise<void> {
    const { config, chunks } = this.#shared;
    const rule: Rule = { v: 1, parse: { type: 'json' }, time: { key, type: 'string' } };
    const batch = { tag, origin: `forward://${this.#address}`, rule, bytes };
    if (!chunk) {
      await this.#flow.offer({ ...batch, ack: 'disk' });
      return;
    }
    const note = chunks.noteOf(chunk.id);
    const identity = `${note.key} ${note.value}`;
    await this.#flow.offer({ ...batch, ack: config.ack, notes: [note], identity }, (stored) => {
      chunk.settle(stored);
      if (stored) this.#acknowledge(chunk.answer);
    });
  }

  /** A batch of its own, with a name for the time that no record has. */
  #writeApart(message: Message, events: Buffer): Written {
    const lines = new JsonLines(this.#jsonBytesMax);
    for (let key = timeKey; ; key += '_') {
      if (this.#write(message, events, key, lines) !== collision) return { key, bytes: lines.take() };
      lines.cutTo(0);
    }
  }

  #write(message: Message, events: Buffer, key: string, lines: JsonLines): typeof collision | undefined {
    const { config, clock, telemetry } = this.#shared;
    const added = { timeKey: key, nowMs: clock.now(), members: this.#members };
    const found = writeEvents(message, events, added, lines);
    if (found === collision) return collision;
    if (found === 0) return undefined;
    if (!config.skipInvalid)
      throw new MillraceError('WIRE_CORRUPT', `${found} events of tag ${message.tag} are none`, {
        hint: 'with skip_invalid_event true they are dropped and counted, and the others taken',
      });
    telemetry.emit('events_invalid', { address: this.#address, tag: message.tag, events: found });
    return undefined;
  }

  #tagOf({ tag }: Message): string {
    const { config } = this.#shared;
    return config.addTagPrefix + (config.tag ?? tag);
  }

  #acknowledge(answer: Buffer): void {
    if (this.#socket.destroyed || !this.#socket.writable) return;
    this.#socket.write(answer);
    if (this.#socket.writableLength > unreadBytesMax)
      this.#socket.destroy(new MillraceError('WIRE_LIMIT', 'the client does not read its acknowledgements'));
  }
}

/** `{"ack": …}` up to the id. */
const ackHead = Buffer.from([0x81, 0xa3, 0x61, 0x63, 0x6b]);

function refused(why: string): MillraceError {
  return new MillraceError('WIRE_CORRUPT', `handshake refused: ${why}`);
}
