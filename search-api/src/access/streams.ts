import { wildcardMatches } from '@millrace/core/query/match-values.ts';
import type { Access } from './access.ts';

/** Whether an access may see events of a stream, for what is told of streams and not of events. */
export function streamAllowed({ streams }: Access, name: string): boolean {
  return nameAllowed(streams, name);
}

/** Whether a list of names with `*` has this one; an empty list has all. */
export function nameAllowed(names: readonly string[], name: string): boolean {
  return names.length === 0 || names.some((each) => wildcardMatches(escaped(each))(name));
}

/** `*` alone is a wildcard in lists of names. */
function escaped(name: string): string {
  return name.replaceAll(/[?\\]/g, '\\$&');
}
