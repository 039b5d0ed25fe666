import type { FieldValue } from '../parse/parsed.ts';

const names = [
  'trace',
  'debug',
  'info',
  'notice',
  'warn',
  'error',
  'critical',
  'alert',
  'emergency',
  'fatal',
];

const levels = new Map<string | number, string>([
  ...names.map((name): [string, string] => [name, name]),
  ['information', 'info'],
  ['informational', 'info'],
  ['warning', 'warn'],
  ['err', 'error'],
  ['crit', 'critical'],
  ['emerg', 'emergency'],
  // pino and bunyan
  [10, 'trace'],
  [20, 'debug'],
  [30, 'info'],
  [40, 'warn'],
  [50, 'error'],
  [60, 'fatal'],
]);

/** `log.level` for a field's value: one of ten names, or undefined for what is no level (a game's `level: 12`). */
export function normalLevel(value: FieldValue): string | undefined {
  if (typeof value === 'number') return levels.get(value);
  if (typeof value !== 'string' || value.length > 16) return undefined;
  return levels.get(value) ?? levels.get(value.toLowerCase());
}
