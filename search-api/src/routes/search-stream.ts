import { Readable } from 'node:stream';
import { Type } from '@fastify/type-provider-typebox';
import { messageOf } from '@millrace/core/errors.ts';
import { parseSearch } from '@millrace/core/query/parser.ts';
import { type PipeShape, shapeOf } from '@millrace/core/query/pipes/shape.ts';
import type { Access } from '../access/access.ts';
import type { Context } from '../context.ts';
import { unreachedShortfall } from '../count/shortfalls.ts';
import { ErrorSchema, failureOf } from '../failure.ts';
import type { FindProgress, FindSource, Shortfall } from '../find/finder.ts';
import { allowedSource, sourceParameter } from '../find/source.ts';
import { hitOf } from '../hit.ts';
import { type HitFields, wantedFields } from '../hit-fields.ts';
import { answerPipes, isPiped, pipedRow } from '../pipes/answer.ts';
import { type Plan, plan, whatParameters } from '../plan.ts';
import type { Api } from '../server.ts';

const limitMax = 1_000_000;
/** Between two lines of progress, milliseconds. */
const progressMs = 200;
/** Lines are written in pieces of about so many characters, or as soon as the next hit takes time. */
const pieceUnits = 32 * 1024;

const schema = {
  summary: 'Events as they are found, a line each, with progress',
  produces: ['application/x-ndjson'],
  querystring: Type.Object(
    {
      ...whatParameters,
      sort: Type.Union([Type.Literal('desc'), Type.Literal('asc')], { default: 'desc' }),
      source: sourceParameter,
      limit: Type.Integer({ default: 1_000, minimum: 1, maximum: limitMax, description: 'Hits at most' }),
      fields: Type.Optional(
        Type.String({ maxLength: 8_192, description: 'Names of fields that hits are to have; absent: all' }),
      ),
      highlight: Type.Boolean({ default: true, description: 'Say where message matches' }),
    },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Unsafe<Readable>({
      type: 'string',
      description:
        'NDJSON: lines {"hit"}, {"progress"}, {"table"}; the last is {"end":{"hits","took_ms","partial"}} or {"error"}',
    }),
    default: ErrorSchema,
  },
};

/** `GET /api/v1/search/stream`: hits as they are found, with how far it is; a connection that closes ends the search. */
export function searchStreamRoute(api: Api, context: Context): void {
  const { clock, config } = context;
  const options = {
    schema,
    // It lasts as long as it has to: its own bounds end it.
    handlerTimeout: config.archive_search.time_ms_max + config.request_timeout_ms,
    config: { scope: 'search', costly: true },
  } as const;
  api.get('/api/v1/search/stream', options, async (request, reply) => {
    const { sort, source: asked, limit, fields, highlight, ...what } = request.query;
    const { access } = request;
    const nowMs = clock.now();
    const startMs = clock.monotonic();
    const search = parseSearch(what.q);
    const shape = shapeOf(search.pipes, sort);
    const wanted = wantedFields(fields, shape, access);
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const planned = plan(what, nowMs, access, search);
    const unreached = await unreachedShortfall(context, asked, what, planned, access);
    const asking: Asking = {
      plan: planned,
      shape,
      access,
      nowMs,
      source: allowedSource(asked, access),
      limit,
      highlight: highlight && what.q !== '' && (wanted?.marks ?? true),
      wanted,
    };
    const lines = isPiped(shape)
      ? pipedLines(context, asking, gone.signal)
      : hitLines(context, asking, gone.signal);
    // Awaited, so that what fails at once has a status of its own.
    const first = await lines.next();
    const onEnd = (hits: number) => {
      request.audited.rows = hits;
    };
    const body = Readable.from(pieces(ended(context, { startMs, first, unreached, onEnd }, lines)), {
      objectMode: true,
      highWaterMark: 1,
    });
    reply.header('content-type', 'application/x-ndjson; charset=utf-8');
    reply.header('x-accel-buffering', 'no');
    return reply.send(body);
  });
}

interface Asking {
  plan: Plan;
  shape: PipeShape;
  access: Access;
  nowMs: number;
  source: FindSource;
  limit: number;
  highlight: boolean;
  wanted: HitFields | undefined;
}

type Line =
  | { hit: unknown }
  | { progress: { objects: number; objects_total: number; bytes: number; bytes_total: number } }
  | { table: unknown };

interface End {
  hits: number;
  partial: Shortfall[];
}

/** Progress comes when it is due, also while no hit does. */
async function* hitLines(
  { finder, clock }: Context,
  { plan: planned, shape, access, source, limit, highlight, wanted }: Asking,
  signal: AbortSignal,
): AsyncGenerator<Line, End> {
  let progress: FindProgress | undefined;
  const onProgress = (now: FindProgress) => {
    progress = { ...now };
  };
  const request = { plan: planned, source, order: shape.order, limit, highlight, onProgress };
  const found = finder(request, signal);
  const done = new AbortController();
  const due = () => clock.sleep(progressMs, done.signal);
  let hits = 0;
  let next = found.next();
  let tick = due();
  try {
    for (;;) {
      const result = await Promise.race([next, tick]);
      if (result === undefined) {
        if (progress !== undefined) yield progressLine(progress);
        progress = undefined;
        tick = due();
        continue;
      }
      if (result.done === true) return { hits, partial: result.value.partial };
      hits++;
      const hit = hitOf(result.value, access);
      yield { hit: wanted === undefined ? hit : wanted.of(hit) };
      next = found.next();
    }
  } finally {
    done.abort();
    // A search that is under way ends with its signal; nobody waits for it.
    next.catch(() => {});
    void found.return({ partial: [] }).catch(() => {});
  }
}

function progressLine({ objects, objectsTotal, bytes, bytesTotal }: FindProgress): Line {
  return { progress: { objects, objects_total: objectsTotal, bytes, bytes_total: bytesTotal } };
}

async function* pipedLines(
  context: Context,
  { plan: planned, shape, access, nowMs, source, limit, wanted }: Asking,
  signal: AbortSignal,
): AsyncGenerator<Line, End> {
  const besideStore = source === 'auto' ? await context.beside(planned) : undefined;
  const question = { plan: planned, shape, access, nowMs, source, besideStore };
  const { hits, table, partial } = await answerPipes(context, question, signal);
  for (const hit of hits.slice(0, limit)) yield { hit: pipedRow(hit, wanted) };
  if (table !== undefined) yield { table };
  return { hits: Math.min(hits.length, limit), partial };
}

interface Begun {
  startMs: number;
  first: IteratorResult<Line, End>;
  /** What was not looked at, known beforehand. */
  unreached: Shortfall[];
  onEnd(hits: number): void;
}

/** Every answer has a last line that says how it ended: the status was sent long before. */
async function* ended(
  { clock, telemetry }: Context,
  { startMs, first, unreached, onEnd }: Begun,
  lines: AsyncGenerator<Line, End>,
): AsyncGenerator<Line | { end: object } | { error: object }, void> {
  try {
    if (first.done !== true) yield first.value;
    const { hits, partial } = first.done === true ? first.value : yield* lines;
    onEnd(hits);
    const took_ms = Math.round(clock.monotonic() - startMs);
    yield { end: { hits, took_ms, partial: [...partial, ...unreached] } };
  } catch (error) {
    const { event, body } = failureOf(error);
    telemetry.emit(event, { path: '/api/v1/search/stream', reason: messageOf(error) });
    yield body;
  }
}

/** Few large pieces where lines come fast, each at once where they do not. The client is waited for by the stream. */
async function* pieces(lines: AsyncGenerator<object, void>): AsyncGenerator<string, void> {
  let piece = '';
  let next = lines.next();
  try {
    for (;;) {
      const quick = piece === '' ? next : Promise.race([next, turn()]);
      const line = await quick;
      if (line === undefined || piece.length >= pieceUnits) {
        yield piece;
        piece = '';
        if (line === undefined) continue;
      }
      if (line.done === true) {
        if (piece !== '') yield piece;
        return;
      }
      piece += `${JSON.stringify(line.value)}\n`;
      next = lines.next();
    }
  } finally {
    next.catch(() => {});
    void lines.return().catch(() => {});
  }
}

/** Once around the event loop. */
function turn(): Promise<undefined> {
  return new Promise((resolve) => setImmediate(resolve, undefined));
}
