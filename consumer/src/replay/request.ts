import { MillraceError } from '@millrace/core/errors.ts';
import { isStreamName } from '@millrace/core/ids/stream-name.ts';
import { parseArguments, parseMoment } from '../commands/arguments.ts';

/** What is replayed. Times are nanoseconds since 1970, bounds included. */
export interface ReplayRequest {
  /** Millrace streams; empty: all of the archive. */
  streams: string[];
  fromNs: bigint | undefined;
  toNs: bigint | undefined;
  /** Lucene query; empty: everything. */
  query: string;
  tags: string[];
  hosts: string[];
  files: string[];
  target: 'store' | 'stream' | 'stdout';
  /** Kinesis stream, with the target `stream`. */
  toStream: string | undefined;
  /** With the target `stdout`: the bytes of the records instead of documents. */
  raw: boolean;
  /** The present that relative times were read with, milliseconds since 1970. */
  nowMs: number;
}

export interface ReplayFlags {
  request: ReplayRequest;
  /** The request, relative times read at another moment. */
  at(nowMs: number): ReplayRequest;
  /** The flags that say what is replayed, as they were written: what a state file is recognised by. */
  asked: Record<string, unknown>;
  rate: Rate | undefined;
  dryRun: boolean;
  json: boolean;
  progress: 'none' | 'bar' | 'json';
  stateFile: string | undefined;
  correct: string | undefined;
}

export interface Rate {
  unit: 'events' | 'bytes';
  perSecond: number;
}

export const replayUsage = `usage: replay [--from TIME] [--to TIME] [--query Q] [--tag GLOB]… [--host GLOB]… [--file GLOB]… [--stream NAME]…

Writes archived events into the store (default), to a Kinesis stream or to stdout. Events have the ids that they had:
what is in the store already is written 0 times. A replay that was killed goes on when it is started again alike.

  --from TIME        first event time: 2026-11-22, 2026-11-22T10:30:00Z, now-2h or -2h
  --to TIME          last event time, as --from; a date means the whole day
  --query Q          events that a Lucene query finds, as in search
  --tag, --host, --file GLOB   events of these sources; * is any text; may be given several times
  --stream NAME      Millrace stream; may be given several times (default: all)
  --target store|stream|stdout
  --to-stream NAME   the Kinesis stream of the target stream
  --raw              with stdout: the records' bytes instead of NDJSON documents
  --rate N           at most so many events a second; 10MB, 500KB: so many bytes of the archive
  --dry-run          count only: objects, blocks, events, bytes, and events by index
  --progress [json]  show progress also without a terminal
  --state FILE       where what is done is noted (default: in state_dir)
  --json             the result as JSON
  --correct FILE     make a correction and apply it; FILE may be the JSON itself: docs/replay.md
`;

const list = { type: 'string', multiple: true } as const;
const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;
const options = {
  from: text,
  to: text,
  query: text,
  tag: list,
  host: list,
  file: list,
  stream: list,
  target: text,
  'to-stream': text,
  raw: flag,
  rate: text,
  'dry-run': flag,
  json: flag,
  progress: text,
  state: text,
  correct: text,
} as const;

/** @throws MillraceError USAGE or QUERY_INVALID; parseArgs' own errors for unknown flags */
export function parseReplayArgs(args: string[], nowMs: number): ReplayFlags {
  const { values, positionals } = parseArguments(withBareProgress(args), options);
  if (positionals[0] !== undefined) throw usage(`"${positionals[0]}"`, 'replay takes options only');
  const target = values.target ?? (values['to-stream'] === undefined ? 'store' : 'stream');
  if (target !== 'store' && target !== 'stream' && target !== 'stdout')
    throw usage(`--target ${target}`, 'targets are store, stream and stdout');
  if ((target === 'stream') !== (values['to-stream'] !== undefined))
    throw usage('--target stream and --to-stream NAME go together', 'name the Kinesis stream');
  if (values.raw === true && target !== 'stdout') throw usage('--raw', 'it is for --target stdout');
  const { stream = [], tag = [], host = [], file = [], query = '' } = values;
  const unknown = stream.find((name) => !isStreamName(name));
  if (unknown !== undefined) throw usage(`--stream ${unknown}`, 'stream names hold a-z, 0-9 and _');
  const at = (presentMs: number): ReplayRequest => ({
    streams: stream,
    fromNs: timeOf('--from', values.from, presentMs)?.firstNs,
    toNs: timeOf('--to', values.to, presentMs)?.lastNs,
    query,
    tags: tag,
    hosts: host,
    files: file,
    target,
    toStream: values['to-stream'],
    raw: values.raw === true,
    nowMs: presentMs,
  });
  const request = at(nowMs);
  const { fromNs, toNs } = request;
  if (fromNs !== undefined && toNs !== undefined && fromNs > toNs)
    throw usage('--from is after --to', 'exchange them');
  const { from, to } = values;
  return {
    request,
    at,
    asked: { ...request, fromNs: from ?? '', toNs: to ?? '', nowMs: 0, toStream: request.toStream ?? '' },
    rate: values.rate === undefined ? undefined : parseRate(values.rate),
    dryRun: values['dry-run'] === true,
    json: values.json === true,
    progress: progressOf(values.progress),
    stateFile: values.state,
    correct: values.correct,
  };
}

/** `--progress` may stand alone, which parseArgs has no form for. */
function withBareProgress(args: string[]): string[] {
  return args.map((arg, i) => {
    if (arg !== '--progress' || args[i + 1] === 'json' || args[i + 1] === 'bar') return arg;
    return '--progress=bar';
  });
}

function progressOf(value: string | undefined): ReplayFlags['progress'] {
  if (value === undefined) return 'none';
  if (value === 'bar' || value === 'json') return value;
  throw usage(`--progress ${value}`, 'write --progress or --progress json');
}

function parseRate(value: string): Rate {
  const [, digits = '', unit = ''] = /^(\d{1,12})(|KB|MB|GB)$/.exec(value) ?? [];
  const factor = { '': 1, KB: 1e3, MB: 1e6, GB: 1e9 }[unit] ?? 1;
  const perSecond = Number(digits) * factor;
  if (!(perSecond > 0)) throw usage(`--rate ${value}`, 'write 5000 (events a second) or 10MB');
  return { unit: unit === '' ? 'events' : 'bytes', perSecond };
}

function timeOf(name: string, value: string | undefined, nowMs: number) {
  if (value === undefined) return undefined;
  try {
    return parseMoment(value, nowMs);
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    throw usage(`${name}: ${error.message}`, error.hint ?? '');
  }
}

function usage(what: string, hint: string): MillraceError {
  return new MillraceError('USAGE', `replay: ${what}`, { hint });
}
