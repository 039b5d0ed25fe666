import type { FieldValue } from './parsed.ts';

/** Sixteen digits in a row: fewer are exact in double precision. */
const sixteenDigits = /\d{16}/g;
const exactDigitsMax = 40;

/** What a JSON text says; integers beyond 2^53 are bigints, where the engine tells a reviver their digits (not all browsers). */
export function readExact(json: string): unknown {
  return mayHoldLongIntegers(json) ? JSON.parse(json, exactInteger) : JSON.parse(json);
}

/**
 * Whether a JSON text may hold an integer that `JSON.parse` rounds, so that it is worth a second reading with
 * `exactInteger`. Text within strings may look like one.
 */
export function mayHoldLongIntegers(json: string): boolean {
  sixteenDigits.lastIndex = 0;
  for (let found = sixteenDigits.exec(json); found !== null; found = sixteenDigits.exec(json)) {
    const start = json[found.index - 1] === '-' ? found.index - 1 : found.index;
    const before = json[start - 1];
    if (before !== undefined && ':,[ \t\r\n'.includes(before)) return true;
  }
  return false;
}

/** A reviver: integers beyond 2^53 become bigints, up to 40 digits. It goes as deep as the text does. */
export function exactInteger(_name: string, value: FieldValue, context?: { source?: string }): FieldValue {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source;
  if (source === undefined || source.length > exactDigitsMax || !/^-?\d+$/.test(source)) return value;
  return BigInt(source);
}
