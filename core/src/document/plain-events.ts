import { isAscii } from 'node:buffer';
import { MillraceError } from '../errors.ts';
import { captureTime } from '../parse/calendar.ts';
import { withoutTerminator } from '../parse/encoding.ts';
import type { AccessLine, EventTime, Fields, FieldValue, Parsed } from '../parse/parsed.ts';
import type { Block, BlockRecord, Source } from '../wire/block.ts';
import { blockRecords } from '../wire/records.ts';
import { fieldsJson, quoted } from './json-text.ts';
import { accessNamesBytes, writeAccessJson } from './plain-access.ts';
import { bare } from './plain-bytes.ts';
import { createPlanCache, type RulePlan } from './rule-plan.ts';

/** An event outside of search: for outputs that write records one by one, under the names that fluentd gives them. */
export interface PlainEvent {
  host: string;
  tag: string;
  path: string;
  /** Of the record's first byte in its generation. */
  offset: number;
  /** Its own time, or when it was read. */
  time: EventTime;
  /** The record without its terminator. */
  text: string;
  /** Parsed and added fields; `message` alone for what no parser could read. Own keys only. */
  fields: Fields;
  /** The fields as one line of JSON. */
  json: string;
  /** Bytes that `writeJson` takes at most. */
  jsonBytesMax?: number;
  /** Writes `json` to a place where there is room; its end, or -1 where it cannot, and `json` is to be asked for. */
  writeJson?(into: Uint8Array, at: number): number;
}

/**
 * Reads blocks' events; keeps compiled rules between blocks, nothing else.
 * @throws MillraceError RULE_INVALID for a rule that this version does not know
 */
export function createEventReader(): (block: Block) => Generator<PlainEvent> {
  // Blocks of this very agent: the schema of rules, which guards against others', is a third of its start.
  const planOf = createPlanCache((text) => JSON.parse(text));
  return function* read(block) {
    const { host, rules } = block.header;
    const bytes = Buffer.from(block.payload.buffer, block.payload.byteOffset, block.payload.length);
    const window = new TextWindow(bytes);
    let reading: Reading | undefined;
    for (const record of blockRecords(block)) {
      const { source } = record;
      if (source !== reading?.source) {
        const plan = planOf(rules[source.rule] ?? '');
        if (plan instanceof MillraceError) throw plan;
        reading = { host, source, plan, bytes, window, access: isPlainAccess(plan) };
      }
      yield new BlockEvent(reading, record);
    }
  };
}

/** What the events of a source have in common. */
interface Reading {
  host: string;
  source: Source;
  plan: RulePlan;
  bytes: Buffer;
  window: TextWindow;
  access: boolean;
}

/** True when an access line's columns are its event, nothing added or left out. */
function isPlainAccess({ utf8, compiled }: RulePlan): boolean {
  const { parse, time, steps, add } = compiled.rule;
  return utf8 && parse.type === 'nginx' && time?.keep !== true && steps === undefined && add === undefined;
}

function isPiece({ run, offset, start, end }: BlockRecord): boolean {
  return (run.continues && offset === run.from) || (run.continued && end === start + run.to - offset);
}

/** Bytes that are made text at once: what V8 collects young, not as part of its whole heap. */
const windowBytes = 64 * 1024;

/** A stretch of a payload as text, where that is certain to be its UTF-8 reading at any cut. */
class TextWindow {
  /** Nothing in it needs an escape in JSON but quotes and line feeds. */
  bare = false;
  readonly #bytes: Buffer;
  #from = 0;
  #to = 0;
  #text: string | undefined = '';

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Moves on to `start` when it has to; records are asked for in their order. */
  covers(start: number, end: number): boolean {
    if (end > this.#to || start < this.#from) this.#move(start, end);
    return this.#text !== undefined;
  }

  slice(start: number, end: number): string {
    return (this.#text ?? '').slice(start - this.#from, end - this.#from);
  }

  #move(start: number, end: number): void {
    const bytes = this.#bytes;
    this.#from = start;
    this.#to = Math.max(end, Math.min(start + windowBytes, bytes.length));
    const stretch = bytes.subarray(this.#from, this.#to);
    this.#text = isAscii(stretch) ? stretch.toString('latin1') : undefined;
    this.bare = this.#text !== undefined && bare(bytes, this.#from, this.#to);
  }
}

/** What is asked for is made when it is; nothing of it, where the line is written from bytes to bytes. */
class BlockEvent implements PlainEvent {
  readonly #reading: Reading;
  readonly #record: BlockRecord;
  #text: string | undefined;
  #bare = false;
  #parsed: Parsed | undefined;
  #fields: Fields | undefined;

  constructor(reading: Reading, record: BlockRecord) {
    this.#reading = reading;
    this.#record = record;
  }

  get host(): string {
    return this.#reading.host;
  }

  get tag(): string {
    return this.#reading.source.tag;
  }

  get path(): string {
    return this.#reading.source.path;
  }

  get offset(): number {
    return this.#record.offset;
  }

  get time(): EventTime {
    return this.#parse()?.time ?? captureTime(this.#record.run.capturedMs);
  }

  get text(): string {
    if (this.#text === undefined) {
      const { plan, bytes, window } = this.#reading;
      const { start, end } = this.#record;
      const near = plan.utf8 && window.covers(start, end);
      this.#bare = near && window.bare;
      this.#text = withoutTerminator(near ? window.slice(start, end) : plan.decode(bytes, start, end));
    }
    return this.#text;
  }

  get fields(): Fields {
    if (this.#fields === undefined) {
      const parsed = this.#parse();
      const own = parsed?.access ? accessFields(parsed.access, parsed.fields) : parsed?.fields;
      this.#fields = allFields(this.#reading.plan, own, this.text);
    }
    return this.#fields;
  }

  get json(): string {
    const parsed = this.#parse();
    const { add } = this.#reading.plan.compiled.rule;
    if (parsed?.access && parsed.fields === undefined && add === undefined)
      return accessJson(parsed.access, this.#bare);
    return fieldsJson(this.fields);
  }

  get jsonBytesMax(): number {
    return this.#record.end - this.#record.start + accessNamesBytes;
  }

  writeJson(into: Uint8Array, at: number): number {
    const { bytes, access } = this.#reading;
    const { start, end } = this.#record;
    return access && !isPiece(this.#record) ? writeAccessJson(bytes, start, end, into, at) : -1;
  }

  /** Undefined for a piece of a record. */
  #parse(): Parsed | undefined {
    if (this.#parsed === undefined && !isPiece(this.#record))
      this.#parsed = this.#reading.plan.compiled.parse(this.text, this.#record.run.capturedMs);
    return this.#parsed;
  }
}

function allFields(plan: RulePlan, own: Fields | undefined, text: string): Fields {
  const { parse, add } = plan.compiled.rule;
  const unparsed = own === undefined || parse.type === 'none';
  if (!unparsed && add === undefined) return own;
  const all = new Map<string, FieldValue>(unparsed ? [['message', text]] : []);
  for (const name of Object.keys(own ?? {})) all.set(name, own?.[name]);
  for (const name of Object.keys(add ?? {})) all.set(name, add?.[name]);
  return Object.fromEntries(all);
}

/** fluentd's names of an access log's columns. */
function accessFields(line: AccessLine, more: Fields | undefined): Fields {
  const fields: Fields = {
    remote: line.remote,
    host: '-',
    user: line.user ?? '-',
    method: line.method,
    path: line.target,
    code: line.status === undefined ? undefined : String(line.status),
    size: line.bytes === undefined ? '-' : String(line.bytes),
    referer: line.referrer,
    agent: line.agent,
    ...more,
  };
  // Undefined among the columns that ECS has no name for.
  fields.host ??= line.host ?? '-';
  return fields;
}

/**
 * The JSON of `accessFields`. `bare`: the line has no backslash and no control character, so that columns that stand
 * in quotes hold nothing to be escaped.
 */
function accessJson(line: AccessLine, bare: boolean): string {
  const { remote, host, user, method, target, status, bytes, referrer, agent } = line;
  if (!bare || remote === undefined || method === undefined || status === undefined)
    return fieldsJson(accessFields(line, undefined));
  const from = `{"remote":${quoted(remote)},"host":${host === undefined ? '"-"' : quoted(host)},"user":`;
  const who = user === undefined ? '"-"' : quoted(user);
  const what = `,"method":"${method}","path":"${target}","code":"${status}","size":"${bytes ?? '-'}"`;
  const more = referrer === undefined ? '' : `,"referer":"${referrer}"`;
  return `${from}${who}${what}${more}${agent === undefined ? '}' : `,"agent":"${agent}"}`}`;
}
