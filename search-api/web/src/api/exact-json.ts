import { exactInteger, mayHoldLongIntegers } from '@millrace/core/parse/exact-integers.ts';
import type { FieldValue } from '@millrace/core/parse/parsed.ts';

/** Not yet in TypeScript's library. */
const { rawJSON } = JSON as { rawJSON?(text: string): unknown };

/** JSON whose integers beyond 2^53 are bigints; browsers that do not tell a reviver the digits round them. */
export function readJson(text: string): unknown {
  return mayHoldLongIntegers(text)
    ? JSON.parse(text, exactInteger as (name: string, value: unknown) => FieldValue)
    : JSON.parse(text);
}

/** JSON of what `readJson` gave; undefined for what JSON has no text for. */
export function writeJson(value: unknown, space?: number): string | undefined {
  const exact = (_name: string, member: unknown) => {
    if (typeof member !== 'bigint') return member;
    return rawJSON?.(String(member)) ?? String(member);
  };
  return JSON.stringify(value, exact, space);
}
