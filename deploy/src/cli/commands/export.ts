import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { resolve } from 'node:path';
import { finished } from 'node:stream/promises';
import { MillraceError, messageOf } from '@millrace/core/errors.ts';
import { type CliContext, type Command, exitCodes, type Parsed } from '../command.ts';
import { apiOf, apiOptions, NobodyAnswers } from '../search/api.ts';
import { exportEnd, openDownload } from '../search/download.ts';
import { questionOf, questionOptions } from '../search/question.ts';
import { nobodyAnswers } from './search.ts';

export const exportCommand: Command = {
  name: 'export',
  summary: 'Write everything that a query finds into a file: CSV, NDJSON or the original lines.',
  usage: "export 'QUERY' [--since 15m | --from TIME [--to TIME]] [--format csv|ndjson|raw] [--output FILE]",
  details:
    'The file is there when it is whole; until then it is FILE.part. To stdout it is written as it comes, and the exit\n' +
    'code says whether it was whole (docs/export.md).',
  options: {
    ...questionOptions,
    format: { type: 'string', value: 'FORMAT', default: 'csv', help: 'csv, ndjson or raw.' },
    fields: { type: 'string', value: 'A,B', help: 'Columns of csv, members of ndjson.' },
    sort: {
      type: 'string',
      value: 'ORDER',
      default: 'asc',
      help: 'asc: oldest first; desc: newest first; none: as they lie in the store, several times as fast.',
    },
    limit: { type: 'string', value: 'N', help: 'Events at most (default: as many as the server allows).' },
    gzip: { type: 'boolean', help: 'Compress it.' },
    'allow-partial': { type: 'boolean', help: 'Take a file that lacks something, and say what.' },
    output: { type: 'string', value: 'FILE', help: 'Where to (default: stdout).' },
    ...apiOptions,
  },
  positionals: { min: 1, max: 1 },
  examples: [
    "./millrace export 'level:error' --since 1d --output errors.csv",
    "./millrace export '*' --since 1d --sort none --output day.csv",
    "./millrace export 'tag:app.shop' --from 2026-11-22 --format raw --gzip --output shop.log.gz",
    "./millrace export '*' --format ndjson --fields host,message | jq -r .message",
  ],
  exits: [
    [1, 'the file is not whole'],
    [3, 'no search API answers there'],
  ],
  async run(context, parsed) {
    const parameters = parametersOf(parsed);
    const api = apiOf(context, parsed);
    const { output } = parsed.strings;
    try {
      const response = await openDownload(api, 'export', parameters);
      const progress = progressOn(context);
      const target = output === undefined ? stdout(context) : fileTarget(resolve(context.cwd, output));
      const read = await copy(response, target, progress).catch(async (error: unknown) => {
        // Else the server goes on for nobody, and this process waits for what it sends.
        response.destroy();
        await target.close(false).catch(() => {});
        throw error;
      });
      progress.end();
      return await verdict(context, response, target, {
        ...read,
        allowPartial: parsed.flags['allow-partial'] === true,
      });
    } catch (error) {
      if (!(error instanceof NobodyAnswers)) throw error;
      return nobodyAnswers(context, error);
    }
  },
};

/** @throws MillraceError USAGE */
function parametersOf(parsed: Parsed) {
  const { format, fields, sort, limit } = parsed.strings;
  const { gzip, 'allow-partial': allowPartial } = parsed.flags;
  if (limit !== undefined && !/^[1-9]\d{0,9}$/.test(limit))
    throw new MillraceError('USAGE', `--limit "${limit}" is not a number of events`);
  return {
    ...questionOf(parsed),
    format,
    fields,
    sort,
    limit,
    gzip: gzip ? 'true' : undefined,
    allow_partial: allowPartial ? 'true' : undefined,
  };
}

/** Where the file goes. */
interface Target {
  write(bytes: Buffer): Promise<void>;
  /** What was written is the file now, or is nothing. */
  close(whole: boolean): Promise<void>;
}

function stdout(context: CliContext): Target {
  return {
    write: async (bytes) => {
      await context.write(bytes);
    },
    close: async () => {},
  };
}

function fileTarget(file: string): Target {
  const part = `${file}.part`;
  const stream = createWriteStream(part);
  const failed = finished(stream).catch((cause: unknown) => {
    throw unwritten(cause);
  });
  failed.catch(() => {});
  return {
    async write(bytes) {
      if (!stream.write(bytes)) await Promise.race([once(stream, 'drain'), failed]);
    },
    async close(whole) {
      stream.end();
      try {
        await failed;
        if (!whole) return;
        await rename(part, file).catch((cause: unknown) => {
          throw unwritten(cause);
        });
      } finally {
        await rm(part, { force: true });
      }
    },
  };
}

function unwritten(cause: unknown): MillraceError {
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  const full = ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(code);
  return new MillraceError(full ? 'DISK_FULL' : 'USAGE', `--output: ${messageOf(cause)}`, { cause });
}

interface Read {
  bytes: number;
  /** What has been read after the last newline but one, as far as it is short. */
  tail: string;
  broken?: string;
}

const tailMax = 4096;

async function copy(
  response: IncomingMessage,
  target: Target,
  progress: { at(bytes: number): void },
): Promise<Read> {
  const read: Read = { bytes: 0, tail: '' };
  const chunks = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  for (;;) {
    let next: IteratorResult<Buffer>;
    try {
      next = await chunks.next();
    } catch (error) {
      // The server breaks the connection off when something is missing.
      return { ...read, broken: messageOf(error) };
    }
    if (next.done === true) return read;
    await target.write(next.value);
    read.bytes += next.value.length;
    read.tail = (read.tail + next.value.subarray(-tailMax).toString('latin1')).slice(-tailMax);
    progress.at(read.bytes);
  }
}

/** Says how it went, and keeps the file when it is what was asked for. */
async function verdict(
  context: CliContext,
  response: IncomingMessage,
  target: Target,
  { bytes, broken, tail, allowPartial }: Read & { allowPartial: boolean },
): Promise<number> {
  const size = sizeText(bytes);
  const end = broken === undefined ? exportEnd(response) : undefined;
  const partial = end?.partial ?? '';
  const kept = end?.complete === true || (partial !== '' && allowPartial);
  await target.close(kept);
  if (end !== undefined && kept) {
    const lacks = partial === '' ? '' : `; not everything is in it (${partial})`;
    context.stderr(`${end.rows} events, ${size}${lacks}\n`);
    return exitCodes.ok;
  }
  context.stderr(`${reasonOf(end, partial, broken, tail)}, after ${size}: this is not the whole file\n`);
  return exitCodes.failed;
}

function reasonOf(
  end: ReturnType<typeof exportEnd>,
  partial: string,
  broken: string | undefined,
  tail: string,
): string {
  if (broken !== undefined) return `the export broke off (${broken}; the log of search-api has the reason)`;
  if (end === undefined) return 'the end of the export is missing; does a proxy drop HTTP trailers?';
  return partial === '' ? `the export failed (${lastLine(tail)})` : `not everything is in it (${partial})`;
}

/** The error that is the last line of NDJSON. */
function lastLine(tail: string): string {
  const line = tail.trimEnd().split('\n').at(-1) ?? '';
  try {
    const { error } = JSON.parse(line) as { error?: { message?: string } };
    return error?.message ?? 'its end is missing';
  } catch {
    return 'its end is missing';
  }
}

function sizeText(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} KB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

const progressEveryMs = 250;

/** A line on stderr that is redrawn, where that is a terminal. */
function progressOn({ tty, clock, stderr }: CliContext) {
  let drawnAt = clock.monotonic();
  let drawn = false;
  return {
    at(bytes: number) {
      if (!tty || clock.monotonic() - drawnAt < progressEveryMs) return;
      drawnAt = clock.monotonic();
      drawn = true;
      stderr(`\r${sizeText(bytes)} `);
    },
    end() {
      if (drawn) stderr('\r\u001b[K');
    },
  };
}
