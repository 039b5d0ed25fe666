import { type Static, Type } from 'typebox';
import type { Access } from '../access/access.ts';
import { savedId } from '../saved/saved-search.ts';

const closed = { additionalProperties: false } as const;
const Duration = (byDefault?: string) =>
  Type.String({
    pattern: '^[1-9]\\d{0,4}[smhd]$',
    description: '30s, 5m, 1h, 1d',
    ...(byDefault === undefined ? {} : { default: byDefault }),
  });
const Url = Type.String({ pattern: '^https?://[^\\s@/?#]+([/?#][^\\s]*)?$', maxLength: 2048 });

const NotifySchema = Type.Union([
  Type.Object(
    {
      type: Type.Literal('webhook'),
      url: Url,
      headers: Type.Optional(
        Type.Record(
          Type.String({ pattern: '^[A-Za-z0-9-]{1,64}$' }),
          Type.String({ maxLength: 1024, pattern: '^[\\t\\x20-\\x7e]*$' }),
          // Not `false`, at which the filling in of defaults throws.
          { maxProperties: 20, additionalProperties: Type.Never() },
        ),
      ),
    },
    closed,
  ),
  Type.Object({ type: Type.Literal('slack'), url: Url }, closed),
  Type.Object(
    {
      type: Type.Literal('sns'),
      topic_arn: Type.String({ pattern: '^arn:[a-z-]+:sns:[a-z0-9-]+:\\d{12}:[A-Za-z0-9_.-]{1,256}$' }),
      region: Type.String({ pattern: '^[a-z0-9-]{1,40}$' }),
      endpoint: Type.Optional(Url),
    },
    closed,
  ),
]);
export type Notify = Static<typeof NotifySchema>;

const content = {
  name: Type.String({ minLength: 1, maxLength: 200, pattern: '\\S' }),
  enabled: Type.Boolean({ default: true }),
  search: Type.Union([
    Type.Object(
      {
        q: Type.String({ maxLength: 8192 }),
        stream: Type.Optional(Type.String({ pattern: '^[a-z0-9_]{1,100}$' })),
      },
      closed,
    ),
    Type.Object({ saved: savedId }, closed),
  ]),
  /** Each evaluation looks at the events of so long a time … */
  window: Duration('5m'),
  /** … and there is one so often. */
  every: Duration('1m'),
  condition: Type.Union([
    Type.Object(
      {
        type: Type.Literal('threshold'),
        op: Type.Union([Type.Literal('>'), Type.Literal('>='), Type.Literal('<'), Type.Literal('<=')]),
        count: Type.Integer({ minimum: 0, maximum: 1_000_000_000 }),
      },
      closed,
    ),
    Type.Object({ type: Type.Literal('absence') }, closed),
  ]),
  /** A state of its own for each value of a field. */
  group_by: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
  /** Evaluations in a row that meet the condition before it fires. */
  for: Type.Integer({ default: 1, minimum: 1, maximum: 100 }),
  /** Whether its end is told as well. */
  resolve: Type.Boolean({ default: true }),
  /** While it fires it is told again so often; absent: once. */
  repeat: Type.Optional(Duration()),
  notify: Type.Array(NotifySchema, { minItems: 1, maxItems: 10 }),
};

export const AlertContentSchema = Type.Object(content, closed);
export type AlertContent = Static<typeof AlertContentSchema>;

export const AlertSchema = Type.Object({
  id: savedId,
  ...content,
  owner: Type.String(),
  /** What of the logs it sees: what its owner saw when it was made. */
  access: Type.Object({
    tags: Type.Array(Type.String()),
    hosts: Type.Array(Type.String()),
    streams: Type.Array(Type.String()),
    redact: Type.Array(Type.String()),
  }),
  updated: Type.String(),
  version: Type.String({ description: 'For If-Match' }),
});
export type Alert = Static<typeof AlertSchema>;

const unitMs: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `5m` as milliseconds. */
export function durationMs(text: string): number {
  return Number(text.slice(0, -1)) * (unitMs[text.slice(-1)] ?? 0);
}

/** An alert looks at what its owner may see, and does nothing else. */
export function accessOf({ owner, access }: Pick<Alert, 'owner' | 'access'>): Access {
  return { subject: owner, scopes: new Set(), ...access };
}

export function keptAccess({ tags, hosts, streams, redact }: Access): Alert['access'] {
  return { tags: [...tags], hosts: [...hosts], streams: [...streams], redact: [...redact] };
}

/** Whether somebody sees an alert at all: its counts tell of events that not everybody may see. */
export function maySee(access: Access, alert: Pick<Alert, 'owner'>): boolean {
  const { tags, hosts, streams, redact } = access;
  const limited = tags.length + hosts.length + streams.length + redact.length > 0;
  return !limited || alert.owner === access.subject;
}
