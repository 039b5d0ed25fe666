import type { FieldType, Types } from '../rule/parse-schema.ts';
import { captureTime, isoTime } from './calendar.ts';
import { compileTime } from './event-time.ts';
import type { Fields, FieldValue } from './parsed.ts';

/** `capturedMs` gives a time what its text leaves out. */
type Convert = (value: string | number | bigint | boolean, capturedMs: number) => FieldValue;

type Conversions = [name: string, convert: Convert][];

/** @throws MillraceError RULE_INVALID for a time format or zone that does not exist */
export function compileConversions(types: Types): Conversions {
  return Object.entries(types).map(([name, type]) => [name, converterOf(type)]);
}

/** Converts top-level fields in place; nulls, arrays and objects stay as they are. */
export function convertFields(fields: Fields, conversions: Conversions, capturedMs: number): void {
  for (const [name, convert] of conversions) {
    if (!Object.hasOwn(fields, name)) continue;
    const value = fields[name];
    if (value === undefined || value === null || typeof value === 'object') continue;
    // Not by assignment, which would set the prototype where the name is __proto__.
    Object.defineProperty(fields, name, {
      value: convert(value, capturedMs),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
}

function converterOf(type: FieldType): Convert {
  if (typeof type === 'string') return converters[type];
  return type.type === 'array' ? arrayConverter(type.delimiter ?? ',') : timeConverter(type);
}

/** As Ruby splits: without the empty pieces at the end. */
function arrayConverter(delimiter: string): Convert {
  return (value) => {
    const pieces = String(value).split(delimiter);
    while (pieces.at(-1) === '') pieces.pop();
    return pieces;
  };
}

function timeConverter({ kind = 'string', ...rest }: Extract<FieldType, { type: 'time' }>): Convert {
  const read = compileTime({ ...rest, type: kind }, 'iso');
  return (value, capturedMs) => {
    const time = typeof value === 'boolean' ? '' : read(value, captureTime(capturedMs));
    return typeof time === 'string' ? null : isoTime(time);
  };
}

/** As fluentd (Ruby) converts: the number that the text begins with, 0 without one. */
const converters: Record<Extract<FieldType, string>, Convert> = {
  string: (value) => String(value),
  bool: (value) => ['true', 'yes', '1'].includes(String(value).toLowerCase()),
  integer: (value) => {
    if (typeof value === 'bigint') return value;
    if (typeof value === 'number') return Math.trunc(value) + 0;
    const digits = /^\s*([+-]?\d{1,40})/.exec(underscored(String(value)))?.[1];
    if (digits === undefined) return 0;
    const number = Number(digits) + 0;
    return Number.isSafeInteger(number) ? number : BigInt(digits.replace('+', ''));
  },
  float: (value) => {
    if (typeof value === 'number') return value;
    const digits = /^\s*([+-]?(?:\d{1,400}(?:\.\d{1,400})?|\.\d{1,400})(?:[eE][+-]?\d{1,10})?)/.exec(
      underscored(String(value)),
    )?.[1];
    const number = digits === undefined ? 0 : Number(digits);
    return Number.isFinite(number) ? number : String(value); // JSON has no infinity
  },
};

/** Ruby reads 1_000 as 1000. */
function underscored(text: string): string {
  return text.includes('_') ? text.slice(0, 1024).replace(/(?<=\d)_(?=\d)/g, '') : text;
}
