import { integerOption, type Parsed } from '../command.ts';

/** An option's integer, or what it is when it was not given. @throws MillraceError USAGE */
export function integer(parsed: Parsed, name: string, fallback: number, min: number, max: number): number {
  return parsed.strings[name] === undefined ? fallback : integerOption(parsed, name, min, max);
}

/** Of percent, as a part of 1. @throws MillraceError USAGE */
export function percentage(parsed: Parsed, name: string, fallback: number): number {
  return integer(parsed, name, fallback, 1, 95) / 100;
}
