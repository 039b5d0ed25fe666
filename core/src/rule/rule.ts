import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { MillraceError } from '../errors.ts';

/**
 * How the consumer makes a document of a record (D2). Travels as canonical JSON in a block's header and must be
 * read the same for as long as archives exist: what `v: 1` means never changes (golden corpus).
 */
const closed = { additionalProperties: false } as const;

const NamePattern = '^[^\\u0000-\\u001f]{1,256}$';

export const ParseSchema = Type.Union([
  Type.Object({ type: Type.Literal('none') }, closed),
  Type.Object({ type: Type.Literal('json') }, closed),
  Type.Object({ type: Type.Literal('nginx') }, closed),
  Type.Object(
    {
      type: Type.Literal('regexp'),
      /** JavaScript syntax, `v`-less; named groups become fields. Runs on the linear-time engine or is refused. */
      expression: Type.String({ maxLength: 16_384 }),
      /** `i` ignore case, `m` anchors at lines, `s` dot matches newline. */
      flags: Type.Optional(Type.String({ pattern: '^i?m?s?$' })),
    },
    closed,
  ),
]);

export const TimeSchema = Type.Object(
  {
    /** Parsed field that holds the event's time. */
    key: Type.String({ pattern: NamePattern }),
    type: Type.Union([Type.Literal('string'), Type.Literal('float'), Type.Literal('unixtime')]),
    /** strptime format; absent: ISO 8601 / RFC 3339. */
    format: Type.Optional(Type.String({ maxLength: 256 })),
    /** Zone of times without one: IANA name or ±HH:MM, a literal that the agent resolved. */
    zone: Type.Optional(Type.String({ maxLength: 64 })),
    /** Keep the field in the document. */
    keep: Type.Optional(Type.Boolean()),
  },
  closed,
);

const FieldTypeSchema = Type.Union([
  Type.Literal('string'),
  Type.Literal('integer'),
  Type.Literal('float'),
  Type.Literal('bool'),
]);

export const RuleSchema = Type.Object(
  {
    v: Type.Literal(1),
    parse: ParseSchema,
    time: Type.Optional(TimeSchema),
    /** Types of fields that a parser yields as text. */
    types: Type.Optional(Type.Record(Type.String({ pattern: NamePattern }), FieldTypeSchema)),
    /** Literal fields added to every document. */
    add: Type.Optional(Type.Record(Type.String({ pattern: NamePattern }), Type.String({ maxLength: 8_192 }))),
    /** Text encoding of the record's bytes, a WHATWG label; absent: UTF-8. */
    encoding: Type.Optional(Type.String({ pattern: '^[a-z0-9_:-]{1,40}$' })),
  },
  closed,
);

export type Rule = Static<typeof RuleSchema>;
export type FieldType = Static<typeof FieldTypeSchema>;

/** Longest rule text in a header, bytes. */
export const ruleTextBytesMax = 64 * 1024;

const checker = Compile(RuleSchema);

/** Canonical text: JSON, keys sorted, no spaces. Two equal rules have one text. */
export function ruleText(rule: Rule): string {
  return canonical(rule);
}

/** @throws MillraceError RULE_INVALID for anything outside the grammar, unknown versions included */
export function parseRule(text: string): Rule {
  if (text.length > ruleTextBytesMax)
    throw new MillraceError('RULE_INVALID', `rule of ${text.length} characters`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new MillraceError('RULE_INVALID', 'rule is not JSON', { cause });
  }
  if (!checker.Check(value)) {
    const first = checker.Errors(value)[0];
    throw new MillraceError(
      'RULE_INVALID',
      `rule: ${first?.instancePath ?? ''} ${first?.message ?? 'invalid'}`,
      {
        hint: 'a newer agent may have written it: upgrade the consumer, the filler then indexes what waited',
      },
    );
  }
  return value;
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(',')}}`;
}
