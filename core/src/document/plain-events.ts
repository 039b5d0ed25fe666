import { isAscii } from 'node:buffer';
import { MillraceError } from '../errors.ts';
import { captureTime } from '../parse/calendar.ts';
import { withoutTerminator } from '../parse/encoding.ts';
import type { AccessLine, EventTime, Fields, FieldValue, Parsed } from '../parse/parsed.ts';
import type { Block, BlockRecord, Run, Source } from '../wire/block.ts';
import { blockRecords } from '../wire/records.ts';
import { fieldsJson, quoted } from './json-text.ts';
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
    let of: Source | undefined;
    let plan: RulePlan | undefined;
    for (const record of blockRecords(block)) {
      const { run, source, start, end } = record;
      if (plan === undefined || source !== of) {
        const found = planOf(rules[source.rule] ?? '');
        if (found instanceof MillraceError) throw found;
        plan = found;
        of = source;
      }
      const near = plan.utf8 && window.covers(start, end);
      const text = withoutTerminator(near ? window.slice(start, end) : plan.decode(bytes, start, end));
      const parsed = isPiece(record) ? undefined : plan.compiled.parse(text, run.capturedMs);
      yield new BlockEvent(host, source, record.offset, run, text, plan, parsed, near && window.bare);
    }
  };
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

/** What is asked for is made when it is. */
class BlockEvent implements PlainEvent {
  readonly host: string;
  readonly offset: number;
  readonly text: string;
  readonly #source: Source;
  readonly #run: Run;
  readonly #plan: RulePlan;
  readonly #parsed: Parsed | undefined;
  readonly #bare: boolean;
  #fields: Fields | undefined;

  constructor(
    host: string,
    source: Source,
    offset: number,
    run: Run,
    text: string,
    plan: RulePlan,
    parsed: Parsed | undefined,
    bare: boolean,
  ) {
    this.host = host;
    this.offset = offset;
    this.text = text;
    this.#source = source;
    this.#run = run;
    this.#plan = plan;
    this.#parsed = parsed;
    this.#bare = bare;
  }

  get tag(): string {
    return this.#source.tag;
  }

  get path(): string {
    return this.#source.path;
  }

  get time(): EventTime {
    return this.#parsed?.time ?? captureTime(this.#run.capturedMs);
  }

  get fields(): Fields {
    if (this.#fields === undefined) {
      const parsed = this.#parsed;
      const own = parsed?.access ? accessFields(parsed.access, parsed.fields) : parsed?.fields;
      this.#fields = allFields(this.#plan, own, this.text);
    }
    return this.#fields;
  }

  get json(): string {
    const parsed = this.#parsed;
    if (parsed?.access && parsed.fields === undefined && this.#plan.compiled.rule.add === undefined)
      return accessJson(parsed.access, this.#bare);
    return fieldsJson(this.fields);
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
