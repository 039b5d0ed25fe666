import { exactInteger, mayHoldLongIntegers } from './exact-integers.ts';
import { type Fields, type FieldValue, type Parser, parseFailure } from './parsed.ts';

/** Objects and arrays inside one another, the record's own object included; deeper is a parse error. */
const jsonDepthMax = 20;
/** UTF-16 units of one name. */
const jsonNameMax = 1024;

/**
 * One JSON object. Names that occur twice have their last value, as JSON.parse decides; `__proto__` is a name like
 * any other. The record's length bounds everything but depth. Integers beyond 2^53 are kept exact.
 */
export const parseJson: Parser = (text) => {
  let value: FieldValue;
  try {
    value = JSON.parse(text) as FieldValue;
  } catch {
    return parseFailure('not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return parseFailure('JSON, but not an object');
  }
  const beyond = beyondLimits(value, jsonDepthMax);
  if (beyond !== undefined) return parseFailure(beyond);
  // Read again only where a number may have lost digits, and only at a depth that a reviver survives.
  const fields = mayHoldLongIntegers(text) ? (JSON.parse(text, exactInteger) as Fields) : value;
  return { fields, access: undefined };
};

/** Which limit of an index the value is over, if any. */
function beyondLimits(value: FieldValue, levels: number): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (levels === 0) return `nested deeper than ${jsonDepthMax} levels`;
  let beyond: string | undefined;
  if (Array.isArray(value)) {
    for (const item of value) beyond ??= beyondLimits(item, levels - 1);
    return beyond;
  }
  for (const name of Object.keys(value)) {
    if (name.length > jsonNameMax) return `a name of more than ${jsonNameMax} characters`;
    // Names that differ in lone surrogates alone would be one name in UTF-8, twice in one object.
    if (!name.isWellFormed()) return 'a name with half a character';
    beyond ??= beyondLimits(value[name], levels - 1);
  }
  return beyond;
}
