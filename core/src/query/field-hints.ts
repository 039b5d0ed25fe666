import { suggest } from '../config/suggest.ts';
import type { Span } from './ast.ts';
import { knownNames, resolveField } from './fields.ts';
import type { NamedField } from './names.ts';

/** What somebody may have meant whose query found nothing. */
export interface FieldHint {
  name: string;
  suggestion: string;
  at: Span;
}

/** Longer names are no slips of the finger. UTF-16 units. */
const unitsMax = 64;

/** The known name that a name may have been meant for: the same in another case, a part or the beginning of it, or near. */
export function suggestField(name: string, known: readonly string[]): string | undefined {
  if (name.length > unitsMax || known.includes(name)) return undefined;
  const text = name.toLowerCase();
  const like = (test: (lower: string) => boolean) =>
    known
      .filter((candidate) => test(candidate.toLowerCase()))
      .sort((a, b) => a.length - b.length)
      .at(0);
  return (
    like((lower) => lower === text || lower === `@${text}`) ??
    like((lower) => lower.endsWith(`.${text}`)) ??
    (text.length < 3
      ? undefined
      : like((lower) => lower.startsWith(text) && /[._]/.test(lower.charAt(text.length)))) ??
    suggest(name, known)
  );
}

/**
 * Hints about fields that are none of Millrace's. They may be somebody's own, so that they are no error; `own` are those
 * that are known to be.
 */
export function fieldHints(fields: readonly NamedField[], own: readonly string[] = []): FieldHint[] {
  const known = [...knownNames, ...own];
  const hints = fields.flatMap(({ name, at }): FieldHint[] => {
    const foreign = resolveField(name).every((target) => target.in === 'containers' && target.name === name);
    const suggestion = foreign ? suggestField(name, known) : undefined;
    return suggestion === undefined ? [] : [{ name, suggestion, at }];
  });
  return hints.filter(({ name }, i) => hints.findIndex((hint) => hint.name === name) === i);
}
