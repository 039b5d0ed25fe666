import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { eventually } from './stack.ts';

/** Connections of their own: a socket that is not read must not be another's. */
const agent = new Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY });

/** One who reads `GET /api/v1/tail`, all the time unless told to wait. */
export class TailClient {
  readonly messages: string[] = [];
  skipped = 0;
  /** Id of the last event that had one. */
  cursor: string | undefined;
  #phase = '';
  #text = '';
  readonly #response: IncomingMessage;

  static async open(
    url: string,
    parameters: Record<string, string>,
    lastEventId?: string,
  ): Promise<TailClient> {
    const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
    const address = `${url}/api/v1/tail?${new URLSearchParams(parameters)}`;
    const [response] = (await once(get(address, { agent, headers }), 'response')) as [IncomingMessage];
    if (response.statusCode !== 200) throw new Error(`tail answered ${response.statusCode}`);
    return new TailClient(response);
  }

  private constructor(response: IncomingMessage) {
    this.#response = response;
    response.setEncoding('utf8');
    response.on('error', () => {}); // closed in the middle of it
    response.on('data', (text: string) => this.#read(text));
  }

  live(): Promise<true> {
    return eventually('the tail is live', 30, async () => (this.#phase === 'live' ? true : undefined));
  }

  /** Waits until so many events were read. */
  has(count: number): Promise<void> {
    return this.#reaches(count, 20, () => this.messages.length);
  }

  /** Waits until so many events were read or told to be skipped. */
  accounts(count: number, seconds: number): Promise<void> {
    return this.#reaches(count, seconds, () => this.messages.length + this.skipped);
  }

  stall(): void {
    this.#response.pause();
  }

  go(): void {
    this.#response.resume();
  }

  close(): void {
    this.#response.destroy();
  }

  async #reaches(count: number, seconds: number, have: () => number): Promise<void> {
    try {
      await eventually('events', seconds, async () => (have() >= count ? true : undefined));
    } catch (cause) {
      throw new Error(`${this.messages.length} events of ${count}, ${this.skipped} skipped`, { cause });
    }
  }

  #read(text: string): void {
    const events = (this.#text + text).split('\n\n');
    this.#text = events.pop() ?? '';
    for (const event of events) this.#event(event);
  }

  #event(event: string): void {
    const member = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(event)?.[1];
    this.cursor = member('id') ?? this.cursor;
    const data = JSON.parse(member('data') ?? '{}') as {
      hits?: { message: string }[];
      count?: number;
      phase?: string;
    };
    for (const { message } of data.hits ?? []) this.messages.push(message.split(' x')[0] ?? message);
    this.skipped += data.count ?? 0;
    this.#phase = data.phase ?? this.#phase;
  }
}
