import type { Nulls } from '../rule/parse-schema.ts';
import { linearExpression } from './linear-regexp.ts';
import type { Fields } from './parsed.ts';

/** Longest text that the expression is run on: what stands for nothing is short. */
const textMax = 1_024;

/**
 * Makes texts null, at the top level, where the rule says so.
 * @throws MillraceError RULE_INVALID for an expression that could run for ever
 */
export function compileNulls(nulls: Nulls): (fields: Fields) => void {
  const pattern =
    nulls.pattern === undefined ? undefined : linearExpression(nulls.pattern, nulls.flags ?? '');
  const { empty = false } = nulls;
  return (fields) => {
    for (const name of Object.keys(fields)) {
      const value = fields[name];
      if (typeof value !== 'string') continue;
      const isNull =
        value === '' ? empty || pattern?.test('') : value.length <= textMax && pattern?.test(value);
      // The name is there already: this sets the value, whatever it is called.
      if (isNull) Object.defineProperty(fields, name, { value: null });
    }
  };
}
