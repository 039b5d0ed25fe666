import { exactInteger } from '../../parse/exact-integers.ts';
import { isRecord } from './errors.ts';

/**
 * The body of an answer; `refuse` says of what is no JSON what the client says. The clients' own reading refuses whole
 * answers for one record with a member called `__proto__`, and looks for such names in all of the text.
 */
export function answerOf(json: string, refuse: (json: string) => unknown): unknown {
  let body: unknown;
  try {
    body = JSON.parse(json);
  } catch {
    return refuse(json);
  }
  return withExactFields(body, json);
}

/**
 * The answer of a search as its text has it: integers beyond 2^53 in the records' own fields are bigints. All else is as
 * `JSON.parse` reads it, sort values too. What was rounded shows in the value; looking for digits in the text of each
 * answer cost four times as much as reading it.
 */
function withExactFields(body: unknown, json: string): unknown {
  const hits = hitsOf(body);
  if (!hits.some((hit) => isRounded(sourceOf(hit)?.fields))) return body;
  const exact = hitsOf(JSON.parse(json, exactInteger));
  for (const [i, hit] of hits.entries()) {
    const source = sourceOf(hit);
    const fields = sourceOf(exact[i])?.fields;
    if (source !== undefined && fields !== undefined) source.fields = fields;
  }
  return body;
}

function isRounded(value: unknown): boolean {
  if (typeof value === 'number') return Number.isInteger(value) && !Number.isSafeInteger(value);
  if (typeof value !== 'object' || value === null) return false;
  for (const name in value) if (isRounded((value as Record<string, unknown>)[name])) return true;
  return false;
}

function hitsOf(body: unknown): unknown[] {
  const found = isRecord(body) && isRecord(body.hits) ? body.hits.hits : undefined;
  return Array.isArray(found) ? found : [];
}

function sourceOf(hit: unknown): Record<string, unknown> | undefined {
  return isRecord(hit) && isRecord(hit._source) ? hit._source : undefined;
}
