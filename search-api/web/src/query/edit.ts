import { exactJson } from '@millrace/core/document/json-text.ts';
import { pipeStart, tokensOf } from './tokens.ts';

/** A condition on a field, quoted so that it means the value as it stands. */
export function clauseOf(field: string, value: unknown): string {
  return `${escapeName(field)}:${quoted(value)}`;
}

export function existsClause(field: string): string {
  return `_exists_:${escapeName(field)}`;
}

/** Adds a condition to what is asked: it holds beside all of the query, and stands before its stages. */
export function withClause(query: string, clause: string, negate = false): string {
  const conditions = query.slice(0, pipeStart(query)).trim();
  const stages = query.slice(pipeStart(query)).trim();
  const added = `${negate ? '-' : ''}${grouped(clause, negate)}`;
  const opposite = negate ? clause : `-${clause}`;
  // Clicking the opposite of what is there is a change of mind, not a question with no answer.
  if (occurs(conditions, added)) return query;
  const without = occurs(conditions, opposite) ? withoutPart(conditions, opposite) : conditions;
  const base = without === '' ? '' : `${isAlternative(without) ? `(${without})` : without} `;
  return [`${base}${added}`, stages].filter((part) => part !== '').join(' ');
}

/** The conditions alone. */
export function withoutStages(query: string): string {
  return query.slice(0, pipeStart(query)).trim();
}

export function escapeName(name: string): string {
  return name.replaceAll(/[^\p{L}\p{N}_.@]/gu, '\\$&');
}

/** Plain where it means the same, in quotes where a character has a meaning. */
export function quoted(value: unknown): string {
  const text = typeof value === 'string' ? value : exactJson(value);
  if (/^[\p{L}\p{N}_][\p{L}\p{N}_.@/-]*$/u.test(text) && !/^(?:AND|OR|NOT|TO)$/.test(text)) return text;
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}

/** A clause of several conditions is one only between parentheses. */
function grouped(clause: string, negate: boolean): string {
  const parts = tokensOf(clause).filter(({ kind }) => kind === 'space');
  return parts.length > 0 && (negate || isAlternative(clause)) ? `(${clause})` : clause;
}

/** True for `a OR b`, outside of all parentheses. */
function isAlternative(text: string): boolean {
  let depth = 0;
  for (const { kind, start, end } of tokensOf(text)) {
    const piece = text.slice(start, end);
    if (piece === '(') depth++;
    else if (piece === ')') depth--;
    else if (kind === 'operator' && depth === 0 && (piece === 'OR' || piece === '||')) return true;
  }
  return false;
}

/** As a whole part at the top, not within another value. */
function occurs(text: string, part: string): boolean {
  return topParts(text).includes(part);
}

function withoutPart(text: string, part: string): string {
  return topParts(text)
    .filter((item) => item !== part)
    .join(' ');
}

/** What stands between spaces, outside of parentheses and quotes. */
function topParts(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let current = '';
  for (const { kind, start, end } of tokensOf(text)) {
    const piece = text.slice(start, end);
    if (piece === '(') depth++;
    if (piece === ')') depth--;
    if (kind === 'space' && depth === 0) {
      if (current !== '') parts.push(current);
      current = '';
    } else current += piece;
  }
  return current === '' ? parts : [...parts, current];
}
