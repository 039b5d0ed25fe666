import { Type } from '@fastify/type-provider-typebox';
import type { LedgerReport } from '@millrace/archive/ledger/report.ts';
import { MillraceError } from '@millrace/core/errors.ts';
import { parseSpan } from '@millrace/core/query/span.ts';
import { parseTime } from '@millrace/core/query/time.ts';
import { assertUnlimited } from '../access/allowed.ts';
import type { Context } from '../context.ts';
import { ErrorSchema, failure } from '../failure.ts';
import type { Api } from '../server.ts';

const pageMax = 1_000;
/** Gaps in one answer; `gaps_total` says how many there are. */
const gapsMax = 1_000;

const Whole = Type.Integer({ minimum: 0 });
const Items = Type.Array(Type.Record(Type.String(), Type.Unknown()));

const schema = {
  summary: 'What became of every byte of every file',
  querystring: Type.Object(
    {
      stream: Type.Optional(Type.String({ pattern: '^[a-z0-9_]{1,100}$' })),
      host: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
      file: Type.Optional(
        Type.String({ minLength: 1, maxLength: 4096, description: 'A path, or a pattern with *' }),
      ),
      since: Type.String({
        default: 'now-24h',
        maxLength: 64,
        description: 'Objects that arrived since then: ISO 8601, now-6h, milliseconds since 1970',
      }),
      older_than: Type.String({
        default: '10m',
        pattern: '^[1-9]\\d{0,6}[smh]$',
        description: 'What is missing for less long is on its way',
      }),
      size: Type.Integer({ default: 100, minimum: 0, maximum: pageMax }),
      cursor: Type.Optional(
        Type.String({ pattern: '^\\d{1,9}$', description: 'next_cursor of the page before' }),
      ),
    },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      at_ms: Whole,
      from_ms: Whole,
      objects: Whole,
      /** Neither a gap nor a silent agent. */
      well: Type.Boolean(),
      gaps_total: Whole,
      gaps: Items,
      in_flight_bytes: Whole,
      agents: Items,
      set_aside: Items,
      incomplete: Type.Array(Type.String()),
      files_total: Whole,
      files: Items,
      next_cursor: Type.Union([Type.String(), Type.Null()]),
    }),
    default: ErrorSchema,
  },
};

/** `GET /api/v1/ledger`: what became of every byte of every file, as `millrace ledger` tells it. */
export function ledgerRoute(api: Api, { ledger, clock, telemetry }: Context): void {
  api.get('/api/v1/ledger', { schema, config: { scope: 'ledger', costly: true } }, async (request, reply) => {
    assertUnlimited(request.access, 'the ledger is');
    const { size, cursor, since, older_than: olderThan, ...what } = request.query;
    if (ledger === undefined) {
      throw new MillraceError('QUERY_INVALID', 'this search API does not know the archive', {
        hint: 'write the bucket into search-api.json, section archive',
      });
    }
    const sinceMs = Number(parseTime(since, clock.now()).firstNs / 1_000_000n);
    const asked = { ...what, sinceMs, olderThanMs: parseSpan(olderThan) ?? 0 };
    const answer = ledger.ask(JSON.stringify({ ...what, since, olderThan }), asked);
    if (answer === undefined) {
      const { status, event, body } = failure(
        429,
        'busy',
        'BUSY',
        'too many different ledgers are asked for',
        'try again in a moment',
      );
      telemetry.emit(event, { path: '/api/v1/ledger' });
      return reply.code(status as 429).send(body);
    }
    return pageOf(await answer, Number(cursor ?? 0), size);
  });
}

function pageOf(report: LedgerReport, from: number, size: number) {
  const { gaps, files, agents } = report;
  const page = files.slice(from, from + size);
  return {
    at_ms: report.at_ms,
    from_ms: report.from_ms,
    objects: report.objects,
    well: gaps.length === 0 && agents.every(({ state }) => state !== 'silent'),
    gaps_total: gaps.length,
    gaps: plain(gaps.slice(0, gapsMax)),
    in_flight_bytes: report.in_flight.reduce((sum, { bytes }) => sum + bytes, 0),
    agents: plain(agents.slice(0, 10_000)),
    set_aside: plain(report.set_aside.slice(0, gapsMax)),
    incomplete: report.incomplete.slice(0, 100),
    files_total: files.length,
    files: plain(page),
    next_cursor: size > 0 && from + size < files.length ? String(from + size) : null,
  };
}

/** Members are the report's own; the schema lets any through. */
function plain(items: readonly object[]): Record<string, unknown>[] {
  return items.map((item) => Object.fromEntries(Object.entries(item)));
}
