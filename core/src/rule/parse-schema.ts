import { type Static, Type } from 'typebox';

/** How a record's text becomes fields; part of the rule grammar, see rule.ts. */
const closed = { additionalProperties: false } as const;

/** Names of fields. */
export const NamePattern = '^[^\\u0000-\\u001f]{1,256}$';

const ExpressionText = Type.String({ maxLength: 16_384 });
/** `i` ignore case, `m` anchors at lines, `s` dot matches newline. */
const Flags = Type.Optional(Type.String({ pattern: '^i?m?s?$' }));
const Name = Type.String({ pattern: NamePattern });
const Delimiter = Type.String({ minLength: 1, maxLength: 16 });
const Zone = Type.String({ maxLength: 64 });
const TimeType = Type.Union([Type.Literal('string'), Type.Literal('float'), Type.Literal('unixtime')]);
const TimeFormat = Type.String({ maxLength: 256 });

/** Parsers that hold no other parser. */
const LeafParseSchema = Type.Union([
  Type.Object({ type: Type.Literal('none') }, closed),
  Type.Object({ type: Type.Literal('json') }, closed),
  Type.Object({ type: Type.Literal('nginx') }, closed),
  Type.Object(
    {
      type: Type.Literal('regexp'),
      /** JavaScript syntax, `v`-less; named groups become fields. Runs on the linear-time engine or is refused. */
      expression: ExpressionText,
      flags: Flags,
      /** Field of each group, where it is not the group's name; of several groups the last that took part counts. */
      names: Type.Optional(Type.Record(Name, Name)),
    },
    closed,
  ),
  Type.Object({ type: Type.Literal('apache_error') }, closed),
  Type.Object(
    {
      type: Type.Literal('syslog'),
      /** Absent: `auto`, which takes what begins with a priority and a version for RFC 5424. */
      format: Type.Optional(
        Type.Union([Type.Literal('rfc3164'), Type.Literal('rfc5424'), Type.Literal('auto')]),
      ),
      /** false: a first word without a colon is text, not the program's name (RFC 3164). */
      colonless: Type.Optional(Type.Literal(false)),
      /** Words that the time consists of (RFC 3164); absent: as the usual forms have it. */
      words: Type.Optional(Type.Integer({ minimum: 1, maximum: 8 })),
    },
    closed,
  ),
  Type.Object(
    {
      type: Type.Literal('ltsv'),
      /** Absent: a tab. */
      delimiter: Type.Optional(Delimiter),
      /** An expression in place of the delimiter. */
      pattern: Type.Optional(ExpressionText),
      flags: Flags,
      /** Absent: a colon. */
      label_delimiter: Type.Optional(Delimiter),
    },
    closed,
  ),
  Type.Object(
    {
      type: Type.Literal('csv'),
      keys: Type.Array(Name, { minItems: 1, maxItems: 1_024 }),
      /** Absent: a comma. */
      delimiter: Type.Optional(Delimiter),
      /** false: quotes are characters like any other (TSV). */
      quote: Type.Optional(Type.Literal(false)),
    },
    closed,
  ),
  Type.Object({ type: Type.Literal('logfmt') }, closed),
]);

export const TimeSchema = Type.Object(
  {
    /** Parsed field that holds the event's time. */
    key: Name,
    /** `auto`: numbers, and texts that are numbers, as `float`, other texts as `string`. */
    type: Type.Union([...TimeType.anyOf, Type.Literal('auto')]),
    /** strptime format; absent: ISO 8601 / RFC 3339. */
    format: Type.Optional(TimeFormat),
    /** In place of `format`: tried in order; `unixtime`, `float` and `%iso8601` are formats too. */
    formats: Type.Optional(Type.Array(TimeFormat, { minItems: 1, maxItems: 32 })),
    /** Zone of times without one: IANA name or ±HH:MM, a literal that the agent resolved. */
    zone: Type.Optional(Zone),
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
  /** Text cut at a delimiter, by default a comma; empty pieces at the end are left out. */
  Type.Object({ type: Type.Literal('array'), delimiter: Type.Optional(Delimiter) }, closed),
  /** A time, written in UTC; null when it cannot be read. `kind`, `format` and `zone` as in TimeSchema. */
  Type.Object(
    {
      type: Type.Literal('time'),
      kind: Type.Optional(TimeType),
      format: Type.Optional(TimeFormat),
      zone: Type.Optional(Zone),
    },
    closed,
  ),
]);

export const TypesSchema = Type.Record(Name, FieldTypeSchema);

/** Which texts of fields are null. */
export const NullsSchema = Type.Object(
  {
    /** An expression that is found in the text. */
    pattern: Type.Optional(ExpressionText),
    flags: Flags,
    /** The empty text is null too. */
    empty: Type.Optional(Type.Literal(true)),
  },
  closed,
);

const reading = {
  time: Type.Optional(TimeSchema),
  types: Type.Optional(TypesSchema),
  nulls: Type.Optional(NullsSchema),
};

const MultiSchema = Type.Object(
  {
    type: Type.Literal('multi'),
    /** The first that reads the record, its time included, is the one. */
    patterns: Type.Array(
      Type.Object(
        {
          parse: LeafParseSchema,
          ...reading,
          /** A field that says which pattern it was. */
          mark: Type.Optional(Type.Object({ key: Name, value: Type.String({ maxLength: 256 }) }, closed)),
        },
        closed,
      ),
      { minItems: 1, maxItems: 64 },
    ),
  },
  closed,
);

const container = {
  /** How the container's own text is read; absent: it is the message. */
  inner: Type.Optional(
    Type.Object({ parse: Type.Union([LeafParseSchema, MultiSchema]), ...reading }, closed),
  ),
  /** false: the name of the output (stdout, stderr) does not become a field. */
  stream: Type.Optional(Type.Literal(false)),
};

export const ParseSchema = Type.Union([
  LeafParseSchema,
  MultiSchema,
  Type.Object({ type: Type.Literal('cri'), ...container }, closed),
  Type.Object({ type: Type.Literal('docker'), ...container }, closed),
]);

export type Parse = Static<typeof ParseSchema>;
export type LeafParse = Static<typeof LeafParseSchema>;
export type Time = Static<typeof TimeSchema>;
export type FieldType = Static<typeof FieldTypeSchema>;
export type Types = Static<typeof TypesSchema>;
export type Nulls = Static<typeof NullsSchema>;

/** The part of a rule that makes fields, a time and a message of a text; parsers inside of parsers have it too. */
export interface Reading {
  parse: Parse;
  time?: Time;
  types?: Types;
  nulls?: Nulls;
  mark?: { key: string; value: string };
}
