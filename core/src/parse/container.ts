import type { Parse } from '../rule/parse-schema.ts';
import { captureTime } from './calendar.ts';
import { compileIso } from './iso8601.ts';
import { type EventTime, type Fields, type Parsed, parseFailure } from './parsed.ts';
import { utc } from './zone.ts';

type Container = Extract<Parse, { type: 'cri' | 'docker' }>;
type Reader = (text: string, capturedMs: number) => Parsed;

/** What a container wrote, unwrapped: the lines of one record joined. */
interface Unwrapped {
  text: string;
  /** Of the first line, as all below; '' where it has none. */
  time: string;
  stream: string;
  /** Docker's labels and variables of the container. */
  attrs?: Fields | undefined;
}

/**
 * A container runtime's lines: each has a time, the output and a text; one record may be several lines, of which all
 * but the last are partial. The text is read by `inner`; what that knows (fields, time) goes before what the runtime
 * wrote.
 */
export function compileContainer(parse: Container, inner: Reader | undefined): Reader {
  const unwrap = parse.type === 'cri' ? unwrapCri : unwrapDocker;
  const readTime = compileIso(utc);
  return (record, capturedMs) => {
    const found = unwrap(record);
    if (typeof found === 'string') return failed(found);
    const parsed = inner === undefined ? unread() : inner(found.text, capturedMs);
    parsed.message ??= found.text;
    if (parsed.time === undefined && found.time !== '')
      setTime(parsed, readTime(found.time, captureTime(capturedMs)));
    const own: Fields = parse.stream === false || found.stream === '' ? {} : { stream: found.stream };
    if (found.attrs !== undefined) own.attrs = found.attrs;
    // Names that the text has as well are the text's.
    parsed.fields = parsed.fields === undefined ? own : { ...own, ...parsed.fields };
    return parsed;
  };
}

function failed(why: string): Parsed {
  return { ...unread(), error: parseFailure(why) };
}

function unread(): Parsed {
  return {
    fields: undefined,
    access: undefined,
    time: undefined,
    message: undefined,
    level: undefined,
    error: undefined,
  };
}

function setTime(parsed: Parsed, time: EventTime | string): void {
  if (typeof time !== 'string' && time.seconds >= 0) parsed.time = time;
  else parsed.error ??= { type: 'time', message: typeof time === 'string' ? time : 'before 1970' };
}

/** `2026-11-22T19:16:48.123456789Z stdout F text`: time, output, tags (P: the line goes on), text. */
function unwrapCri(record: string): Unwrapped | string {
  const found: Unwrapped = { text: '', time: '', stream: '' };
  for (const line of record.split('\n')) {
    const timeEnd = line.indexOf(' ');
    const streamEnd = line.indexOf(' ', timeEnd + 1);
    const tagAt = streamEnd + 1;
    const tag = line[tagAt];
    if (timeEnd < 1 || streamEnd < 0 || (tag !== 'P' && tag !== 'F'))
      return 'not a line of a container runtime';
    const tagEnd = line.indexOf(' ', tagAt);
    if (found.time === '') {
      found.time = line.slice(0, timeEnd);
      found.stream = line.slice(timeEnd + 1, streamEnd);
    }
    if (tagEnd >= 0) found.text += line.slice(tagEnd + 1);
  }
  return found;
}

/** `{"log":"text\n","stream":"stdout","time":"…"}`; a text without a newline goes on in the next line. */
function unwrapDocker(record: string): Unwrapped | string {
  const found: Unwrapped = { text: '', time: '', stream: '' };
  for (const [index, line] of record.split('\n').entries()) {
    let value: Fields;
    try {
      value = JSON.parse(line) as Fields;
    } catch {
      return 'not JSON';
    }
    if (typeof value?.log !== 'string') return 'JSON without a text named log';
    if (index === 0) {
      if (typeof value.time === 'string') found.time = value.time;
      if (typeof value.stream === 'string') found.stream = value.stream;
      found.attrs = attributes(value.attrs);
    }
    found.text += value.log;
  }
  found.text = found.text.replace(/\r?\n$/, '');
  return found;
}

/** Texts only: what docker writes there. */
function attributes(value: unknown): Fields | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const texts = Object.entries(value).filter(
    ([name, item]) => typeof item === 'string' && name.isWellFormed(),
  );
  return texts.length === 0 ? undefined : Object.fromEntries(texts);
}
