import { pipeline, Readable } from 'node:stream';
import { constants, createGzip } from 'node:zlib';
import { Type } from '@fastify/type-provider-typebox';
import { MillraceError, messageOf } from '@millrace/core/errors.ts';
import type { FastifyReply } from 'fastify';
import type { Static } from 'typebox';
import type { Access } from '../access/access.ts';
import { assertFieldAllowed, assertRawAllowed } from '../access/allowed.ts';
import type { Context } from '../context.ts';
import { unreachedShortfall } from '../count/shortfalls.ts';
import { defaultColumns } from '../export/columns.ts';
import { type DownloadEnd, download } from '../export/download.ts';
import { csvFormat, type Format, ndjsonFormat, rawFormat } from '../export/formats.ts';
import { finderPages, type Pages, scanPages, storePages } from '../export/pages.ts';
import { ErrorSchema, failure, Refused } from '../failure.ts';
import { allowedSource, sourceParameter } from '../find/source.ts';
import { type Plan, plan, whatParameters } from '../plan.ts';
import type { Api } from '../server.ts';

const yes = (description: string, byDefault: boolean) => Type.Boolean({ default: byDefault, description });

const querystring = Type.Object(
  {
    ...whatParameters,
    format: Type.Union([Type.Literal('csv'), Type.Literal('ndjson'), Type.Literal('raw')], {
      default: 'csv',
    }),
    sort: Type.Union([Type.Literal('desc'), Type.Literal('asc'), Type.Literal('none')], {
      default: 'desc',
      description: 'none: as the store has them, several times as fast',
    }),
    source: sourceParameter,
    fields: Type.Optional(
      Type.String({
        maxLength: 8192,
        description: 'Names with commas: the columns of csv, the members of ndjson',
      }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000_000, description: 'Events at most' })),
    gzip: yes('A .gz file', false),
    guard: yes('csv: an apostrophe before cells that a spreadsheet would run as a formula', true),
    allow_partial: yes(
      'csv and raw: end as usual when something is missing; false breaks the connection off, so that no file that looks whole lacks something',
      false,
    ),
  },
  { additionalProperties: false },
);

type Question = Static<typeof querystring>;

const schema = {
  summary: 'Everything that a query finds, as a file',
  produces: ['text/csv', 'application/x-ndjson', 'text/plain', 'application/gzip'],
  querystring,
  response: {
    200: Type.Unsafe<Readable>({ type: 'string', description: 'The file' }),
    default: ErrorSchema,
  },
};

/** `GET /api/v1/export`: everything that a query finds, as a file. */
export function exportRoute(api: Api, context: Context): void {
  const { store, finder, beside, unmarked, clock, config, telemetry } = context;
  const { rows_max, running_max, parallel, time_ms_max } = config.export;
  let running = 0;
  telemetry.gauge('exports_running', 'Exports running now', () => running);
  const exported = telemetry.counter('exported_rows_total', 'Events written into exports');
  // A download lasts as long as it has to; `handlerTimeout` of other routes would cut it.
  const options = {
    schema,
    handlerTimeout: time_ms_max,
    // It would make the whole file, and throw it away.
    exposeHeadRoute: false,
    config: { scope: 'export', costly: true },
  } as const;

  api.get('/api/v1/export', options, async (request, reply) => {
    const { query, access } = request;
    const limit = query.limit ?? rows_max;
    const nowMs = clock.now();
    const planned = plan(query, nowMs, access);
    assertExportable(planned, limit, rows_max);
    const format = formatOf(query, access);
    const source = allowedSource(query.source, access);
    const unreached = await unreachedShortfall(context, query.source, query, planned, access);
    const [lack] = unreached;
    // Told before the first row: the file could not say so.
    if (lack !== undefined && format.note === undefined && !query.allow_partial)
      throw refused(
        lack.message,
        'ask from that day on (from=), or for what there is with allow_partial=true or source=hot',
      );
    // What lies in the store alone is read many times as fast.
    const raw = query.format === 'raw' && unmarked !== undefined;
    const inStore = source === 'hot' || (source === 'auto' && !raw && (await beside(planned)) === undefined);
    // Who has gone away while the archive was asked closes nothing once more.
    if (reply.raw.destroyed) return reply;
    if (running >= running_max) throw busy();
    running++;
    const gone = new AbortController();
    const pages = pagesOf();
    reply.raw.once('close', () => {
      running--;
      gone.abort();
      // Also where nobody took the first row: what is held in the store is given back.
      pages.return([]).catch(() => {});
    });
    const end: DownloadEnd = { rows: 0, complete: false, partial: [] };
    const body = await download(
      pages,
      {
        format,
        limit,
        limited: query.limit === undefined,
        allowPartial: query.allow_partial,
        unreached,
      },
      (ended) => {
        Object.assign(end, ended);
        request.audited.rows = end.rows;
        exported(end.rows);
        const { rows, partial, error } = end;
        if (error === undefined)
          telemetry.emit('exported', { rows, partial: partial.map(({ code }) => code) });
        else telemetry.emit('export_failed', { rows, reason: messageOf(error) });
      },
    );
    describe(
      reply,
      end,
      fileName(format, nowMs, query.gzip),
      query.gzip ? 'application/gzip' : format.contentType,
    );
    return reply.send(streamOf(body, query.gzip));

    function pagesOf(): Pages {
      if (inStore && query.sort === 'none') return scanPages(store, planned, gone.signal);
      const order = query.sort === 'none' ? 'desc' : query.sort;
      if (inStore) return storePages(store, { plan: planned, order, parallel }, nowMs, gone.signal);
      return finderPages(
        finder,
        { plan: planned, source, order, limit: limit + 1, highlight: false, raw, timeMsMax: time_ms_max },
        gone.signal,
      );
    }
  });
}

/** Trailers come when the last row has: `end` is known by then. */
function describe(reply: FastifyReply, end: DownloadEnd, file: string, type: string): void {
  reply.header('content-type', type);
  reply.header('content-disposition', `attachment; filename="${file}"`);
  reply.trailer('x-millrace-rows', async () => String(end.rows));
  reply.trailer('x-millrace-complete', async () => String(end.complete));
  reply.trailer('x-millrace-partial', async () => end.partial.map(({ code }) => code).join(','));
}

function formatOf({ format, fields, guard, allow_partial }: Question, access: Access): Format {
  const names = fields?.split(',').map((name) => name.trim());
  for (const name of names ?? []) {
    if (name === '' || name.length > 256)
      throw refused('parameter fields: a name is empty or too long', 'fields=host,message');
    assertFieldAllowed(access, name);
  }
  if (format === 'ndjson') return ndjsonFormat(names, access);
  if (format === 'csv') return csvFormat(names ?? defaultColumns, { guard }, access);
  assertRawAllowed(access);
  return rawFormat(allow_partial);
}

/** Pieces are taken as fast as the client reads: what is made lies in no buffer but a small one. */
function streamOf(body: AsyncGenerator<string | Buffer, void>, gzip: boolean): Readable {
  const plain = Readable.from(body, { objectMode: true, highWaterMark: 1 });
  if (!gzip) return plain;
  // Level 1: three times as fast as the default for a tenth more bytes.
  const packed = createGzip({ level: constants.Z_BEST_SPEED, chunkSize: 64 * 1024 });
  // Either of them ends the other; the reply learns of it from `packed`.
  return pipeline(plain, packed, () => {}) as unknown as Readable;
}

function fileName({ extension }: Format, nowMs: number, gzip: boolean): string {
  const time = new Date(nowMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '');
  return `millrace-${time}Z.${extension}${gzip ? '.gz' : ''}`;
}

function busy(): Refused {
  return new Refused(
    failure(429, 'busy', 'BUSY', 'too many exports at a time', 'try again when one of them has ended'),
  );
}

/** @throws MillraceError QUERY_INVALID */
function assertExportable({ pipes }: Plan, limit: number, rowsMax: number): void {
  if (limit > rowsMax)
    throw refused(
      `parameter limit: an export has ${rowsMax} events at most`,
      'ask for stretches of time one after another, or raise export.rows_max',
    );
  if (pipes.length > 0)
    throw refused(
      'an export has events, not what a pipe makes of them',
      'leave the pipe out; GET /api/v1/search has tables',
    );
}

function refused(message: string, hint: string): MillraceError {
  return new MillraceError('QUERY_INVALID', message, { hint });
}
