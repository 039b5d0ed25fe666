import { type Static, Type } from 'typebox';
import { NamePattern, NullsSchema, ParseSchema, TimeSchema, TypesSchema } from './parse-schema.ts';

/** What is done to a record's fields after it was read; part of the rule grammar, see rule.ts. */
const closed = { additionalProperties: false } as const;

const Name = Type.String({ pattern: NamePattern });

/** A field: its name at the top level, or the way to it through objects and arrays (negative: from the end). */
const PathSchema = Type.Union([
  Name,
  Type.Array(Type.Union([Name, Type.Integer({ minimum: -10_000, maximum: 10_000 })]), {
    minItems: 1,
    maxItems: 20,
  }),
]);

/** Text as it is, a field's value, or the event's time (ISO 8601, UTC). */
const PartSchema = Type.Union([
  Type.String({ maxLength: 8_192 }),
  Type.Object({ field: PathSchema }, closed),
  Type.Object({ time: Type.Literal('iso') }, closed),
]);

const SetSchema = Type.Object(
  {
    op: Type.Literal('set'),
    /** All are evaluated before any is set. One part that is a field keeps its value's type, anything else is text. */
    set: Type.Array(
      Type.Object({ key: Name, value: Type.Array(PartSchema, { minItems: 1, maxItems: 64 }) }, closed),
      { minItems: 1, maxItems: 256 },
    ),
  },
  closed,
);

const ParseStepSchema = Type.Object(
  {
    op: Type.Literal('parse'),
    /** The field whose text is read. */
    key: PathSchema,
    parse: ParseSchema,
    time: Type.Optional(TimeSchema),
    types: Type.Optional(TypesSchema),
    nulls: Type.Optional(NullsSchema),
    /** The fields that are there stay, those of the same name aside. */
    keep: Type.Optional(Type.Literal(true)),
    /** The field that was read goes. */
    remove: Type.Optional(Type.Literal(true)),
    /** The event's time stays as it is. */
    keep_time: Type.Optional(Type.Literal(true)),
    /** Put before the names of the new fields. */
    prefix: Type.Optional(Type.String({ pattern: '^[^\\u0000-\\u001f]{1,64}$' })),
    /** The new fields become one of this name, an object. */
    into: Type.Optional(Name),
    /** A field that is not there, or cannot be read, is no error of the record. */
    quiet: Type.Optional(Type.Literal(true)),
  },
  closed,
);

const StepSchema = Type.Union([
  SetSchema,
  Type.Object(
    { op: Type.Literal('remove'), keys: Type.Array(PathSchema, { minItems: 1, maxItems: 256 }) },
    closed,
  ),
  /** All other fields go. */
  Type.Object({ op: Type.Literal('keep'), keys: Type.Array(Name, { maxItems: 256 }) }, closed),
  /** The event's time is that of a field, seconds since 1970. */
  Type.Object({ op: Type.Literal('time'), key: Name }, closed),
  ParseStepSchema,
]);

export const StepsSchema = Type.Array(StepSchema, { minItems: 1, maxItems: 64 });

export type Step = Static<typeof StepSchema>;
export type Path = Static<typeof PathSchema>;
export type Part = Static<typeof PartSchema>;
