import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { MillraceError } from '../errors.ts';
import { NamePattern, NullsSchema, ParseSchema, TimeSchema, TypesSchema } from './parse-schema.ts';
import { StepsSchema } from './steps-schema.ts';
import { ruleTextBytesMax } from './text.ts';

/**
 * How the consumer makes a document of a record (D2). Travels as canonical JSON in a block's header and must be
 * read the same for as long as archives exist: what `v: 1` means never changes (golden corpus).
 */
const closed = { additionalProperties: false } as const;

export const RuleSchema = Type.Object(
  {
    v: Type.Literal(1),
    parse: ParseSchema,
    time: Type.Optional(TimeSchema),
    /** Types of fields that a parser yields as text. */
    types: Type.Optional(TypesSchema),
    /** Texts of fields that are null; looked at before types and time are. */
    nulls: Type.Optional(NullsSchema),
    /** What is looked for in the text of records without it: their time (in a zone, where none is written), level. */
    detect: Type.Optional(
      Type.Object(
        {
          time: Type.Optional(Type.Object({ zone: Type.String({ maxLength: 64 }) }, closed)),
          level: Type.Optional(Type.Literal(true)),
        },
        closed,
      ),
    ),
    /** What is done to the fields after all that, in order. */
    steps: Type.Optional(StepsSchema),
    /** Literal fields added to every document. */
    add: Type.Optional(Type.Record(Type.String({ pattern: NamePattern }), Type.String({ maxLength: 8_192 }))),
    /** Text encoding of the record's bytes, a WHATWG label; absent: UTF-8. */
    encoding: Type.Optional(Type.String({ pattern: '^[a-z0-9_:-]{1,40}$' })),
  },
  closed,
);

export type Rule = Static<typeof RuleSchema>;

const checker = Compile(RuleSchema);

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
