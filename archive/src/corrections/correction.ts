import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { MillraceError, messageOf } from '@millrace/core/errors.ts';
import { parseRule } from '@millrace/core/rule/rule.ts';
import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';

const closed = { additionalProperties: false } as const;
const Globs = Type.Array(Type.String({ minLength: 1, maxLength: 4096 }), { maxItems: 1_000, default: [] });
const TimeMs = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/** One correction (D13), as it lies in the bucket. Never changed: it is withdrawn by an object beside it. */
const CorrectionSchema = Type.Object(
  {
    v: Type.Literal(1),
    stream: Type.String({ pattern: '^[a-z0-9_]{1,100}$' }),
    /** Of several that cover an event, the one with the highest number counts. */
    number: Type.Integer({ minimum: 1, maximum: 9_999_999_999 }),
    madeMs: TimeMs,
    reason: Type.String({ maxLength: 1_024 }),
    /** What it was made for; `fromMs` and `toMs` are capture times, both included. */
    select: Type.Object(
      {
        tags: Globs,
        hosts: Globs,
        files: Globs,
        fromMs: Type.Optional(TimeMs),
        toMs: Type.Optional(TimeMs),
      },
      closed,
    ),
    /** Rule text that takes the place of the blocks' own; `drop`: the events are not there for any reader. */
    action: Type.Union([
      Type.Object({ rule: Type.String({ maxLength: 65_536 }) }, closed),
      Type.Object({ drop: Type.Literal(true) }, closed),
    ]),
    /** Keys of the completed objects that it is about. */
    objects: Type.Array(Type.String({ maxLength: 1_024 }), { maxItems: 1_000_000 }),
    /** What these hold of the sources selected: an event counts by its place, whichever object has a copy of it. */
    sources: Type.Array(
      Type.Object(
        {
          /** Base64url, 22 characters. */
          generation: Type.String({ minLength: 22, maxLength: 22 }),
          /** `[from, to)`, ascending, disjoint. */
          ranges: Type.Array(Type.Tuple([TimeMs, TimeMs]), { minItems: 1 }),
        },
        closed,
      ),
      { maxItems: 10_000_000 },
    ),
  },
  closed,
);

export type Correction = Static<typeof CorrectionSchema>;

const checker = Compile(CorrectionSchema);
const decodedBytesMax = 512 * 1024 * 1024;

/** @throws MillraceError CONFIG_INVALID for one that no reader would take: it would keep all of them from the archive */
export function encodeCorrection(correction: Correction): Buffer {
  if (!checker.Check(correction)) {
    const first = checker.Errors(correction)[0];
    throw new MillraceError(
      'CONFIG_INVALID',
      `correction: ${first?.instancePath ?? ''} ${first?.message ?? ''}`,
      {
        hint: 'shorten it, or select less at a time: fewer hosts or files, or less time',
      },
    );
  }
  return zstdCompressSync(Buffer.from(JSON.stringify(correction)));
}

/** @throws MillraceError ARCHIVE_CORRUPT, or RULE_INVALID for a rule of a newer version */
export function decodeCorrection(bytes: Uint8Array, key: string): Correction {
  const value = readJson(bytes, key);
  if (!checker.Check(value)) {
    const first = checker.Errors(value)[0];
    throw new MillraceError(
      'ARCHIVE_CORRUPT',
      `${key}: ${first?.instancePath ?? ''} ${first?.message ?? ''}`,
      {
        hint: 'a newer Millrace may have written it: upgrade this one',
      },
    );
  }
  if ('rule' in value.action) parseRule(value.action.rule);
  return value;
}

function readJson(bytes: Uint8Array, key: string): unknown {
  try {
    return JSON.parse(zstdDecompressSync(bytes, { maxOutputLength: decodedBytesMax }).toString());
  } catch (cause) {
    throw new MillraceError('ARCHIVE_CORRUPT', `${key}: ${messageOf(cause)}`, { cause });
  }
}
