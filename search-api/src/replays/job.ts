import { type Static, Type } from 'typebox';

const Globs = Type.Array(Type.String({ minLength: 1, maxLength: 4096 }), { maxItems: 100, default: [] });
const Time = Type.String({ minLength: 1, maxLength: 64 });

/** What `POST /api/v1/replays` takes. */
export const ReplayBodySchema = Type.Object(
  {
    from: Type.Optional(Time),
    to: Type.Optional(Time),
    query: Type.String({ default: '', maxLength: 8192 }),
    tag: Globs,
    host: Globs,
    file: Globs,
    stream: Type.Array(Type.String({ pattern: '^[a-z0-9_]{1,100}$' }), { maxItems: 100, default: [] }),
    /** 5000: events a second; 10MB: bytes of the archive a second. */
    rate: Type.Optional(Type.String({ pattern: '^[1-9]\\d{0,11}(KB|MB|GB)?$' })),
    dry_run: Type.Boolean({ default: false }),
  },
  { additionalProperties: false },
);

export type ReplayBody = Static<typeof ReplayBodySchema>;

export const JobSchema = Type.Object({
  id: Type.String(),
  state: Type.Union([
    Type.Literal('queued'),
    Type.Literal('running'),
    Type.Literal('done'),
    Type.Literal('failed'),
    Type.Literal('cancelled'),
  ]),
  request: ReplayBodySchema,
  created: Type.String(),
  started: Type.Optional(Type.String()),
  ended: Type.Optional(Type.String()),
  /** As `replay --progress json` says it: share (0 to 1), events_per_second, seconds_left, written, existing, … */
  progress: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  /** Counts of a replay that is done, or what a dry run found. */
  result: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  error: Type.Optional(Type.String()),
});

export type Job = Static<typeof JobSchema>;

/** The flags of the consumer's `replay` that carry out a request. */
export function replayFlags(request: ReplayBody, stateFile: string): string[] {
  const { from, to, query, rate } = request;
  const one = (name: string, value: string | undefined) =>
    value === undefined ? [] : [`--${name}=${value}`];
  const many = (name: 'tag' | 'host' | 'file' | 'stream') =>
    request[name].map((value) => `--${name}=${value}`);
  return [
    ...one('from', from),
    ...one('to', to),
    ...(query === '' ? [] : one('query', query)),
    ...many('tag'),
    ...many('host'),
    ...many('file'),
    ...many('stream'),
    ...one('rate', rate),
    ...(request.dry_run ? ['--dry-run'] : [`--state=${stateFile}`]),
    '--progress=json',
    '--json',
  ];
}
