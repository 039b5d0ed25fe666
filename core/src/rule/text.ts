import type { Rule } from './rule.ts';

/** Longest rule text in a header, bytes. */
export const ruleTextBytesMax = 64 * 1024;

/** Canonical text: JSON, keys sorted, no spaces. Two equal rules have one text. */
export function ruleText(rule: Rule): string {
  return canonical(rule);
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(',')}}`;
}
