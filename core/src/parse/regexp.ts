import { MillraceError } from '../errors.ts';
import { setField } from './fields.ts';
import { linearExpression } from './linear-regexp.ts';
import { type Fields, type Parser, parseFailure } from './parsed.ts';

/** Longest record that is matched: linear time is still too long for expression times megabyte. */
const textMax = 65_536;

/**
 * Named groups become fields; groups that took no part do not. The expression is searched for anywhere in the record.
 * `names` gives groups other names than their own; of several groups of one name the last that took part counts.
 * @throws MillraceError RULE_INVALID for an expression without named groups, or one that could run for ever
 */
export function compileRegexp(expression: string, flags: string, names?: Record<string, string>): Parser {
  const compiled = linearExpression(expression, flags);
  if (!/\(\?<(?![=!])/.test(expression)) {
    throw new MillraceError('RULE_INVALID', 'the expression has no named group', {
      hint: 'name what shall become a field: (?<name>…)',
    });
  }
  return (text) => {
    if (text.length > textMax) return parseFailure(`longer than ${textMax} characters`);
    const groups = compiled.exec(text)?.groups;
    if (groups === undefined) return parseFailure('the expression does not match');
    const fields = names === undefined ? (groups as Fields) : renamed(groups, names);
    return { fields, access: undefined };
  };
}

function renamed(groups: Record<string, string | undefined>, names: Record<string, string>): Fields {
  const fields: Fields = {};
  for (const group of Object.keys(groups)) {
    const value = groups[group];
    if (value !== undefined)
      setField(fields, Object.hasOwn(names, group) ? (names[group] ?? group) : group, value);
  }
  return fields;
}
