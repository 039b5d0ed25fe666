import type { Span } from '@millrace/core/query/ast.ts';
import { resolveField } from '@millrace/core/query/fields.ts';
import { matcherOf } from '@millrace/core/query/match.ts';
import { fieldsNamed, fieldsPiped } from '@millrace/core/query/names.ts';
import type { Search } from '@millrace/core/query/parser.ts';
import type { SearchHit } from '@millrace/core/store/port.ts';
import { failure, Refused } from '../failure.ts';
import { type Access, accessFilters, isLimited } from './access.ts';
import { redactionOf } from './redaction.ts';

/**
 * For every field that a request names: one that is hidden is neither shown, nor searched, nor counted.
 * @throws Refused 403
 */
export function assertFieldAllowed(access: Access, field: string, at?: Span): void {
  if (fieldAllowed(access, field)) return;
  const message = `the field ${field} is not for you to see`;
  const hint = 'ask without it; GET /api/v1/me says which fields are hidden from you';
  throw new Refused(failure(403, 'forbidden', 'FORBIDDEN', message, hint, { at }));
}

/**
 * For what counts, orders or compares by a field. Where anything is hidden, messages may have it in them: what an
 * engine counts is not blotted.
 * @throws Refused 403
 */
export function assertFieldCountable(access: Access, field: string, at?: Span): void {
  assertFieldAllowed(access, field, at);
  if (access.redact.length === 0 || !isMessage(field)) return;
  const message =
    'messages are not for you to count: fields are hidden from you, and they stand in the messages';
  throw new Refused(failure(403, 'forbidden', 'FORBIDDEN', message, 'count by another field', { at }));
}

function isMessage(field: string): boolean {
  return resolveField(field).some((target) => target.in === 'known' && target.field.name === 'message');
}

/** For lists of fields: what is hidden is left out of them. */
export function fieldAllowed(access: Access, field: string): boolean {
  const redaction = redactionOf(access);
  if (redaction === undefined) return true;
  return !resolveField(field).some((target) =>
    target.in === 'known' ? redaction.known(target.field.name) : redaction.own(target.name),
  );
}

/** @throws Refused 403: the query or a pipe of it asks about a hidden field */
export function assertSearchAllowed(access: Access, { query, pipes }: Search): void {
  if (access.redact.length === 0) return;
  for (const { name, at } of fieldsNamed(query)) assertFieldAllowed(access, name, at);
  for (const { name, at, shown } of fieldsPiped(pipes)) {
    if (shown) assertFieldAllowed(access, name, at);
    else assertFieldCountable(access, name, at);
  }
}

/**
 * Original bytes have every field in them.
 * @throws Refused 403
 */
export function assertRawAllowed(access: Access): void {
  if (access.redact.length === 0) return;
  throw new Refused(
    failure(
      403,
      'forbidden',
      'FORBIDDEN',
      'original lines are not for you to see: fields are hidden from you, and they stand in the lines',
      'ask for csv or ndjson',
    ),
  );
}

/**
 * For what tells of files and hosts as a whole, or changes what others see.
 * @throws Refused 403
 */
export function assertUnlimited(access: Access, what: string): void {
  if (!isLimited(access)) return;
  const hint = 'use a key or a role without tags, hosts, streams and redact';
  throw new Refused(
    failure(403, 'forbidden', 'FORBIDDEN', `${what} for who sees all of the logs only`, hint),
  );
}

const visibleBy = new WeakMap<Access, (hit: SearchHit) => boolean>();

/**
 * Whether an event is for this access at all, for whoever has events that no plan of this access found: a poll shared
 * by many, say. The very filters that plans have.
 */
export function visible(hit: SearchHit, access: Access): boolean {
  let test = visibleBy.get(access);
  if (test === undefined) {
    const matches = matcherOf({ bool: { filter: accessFilters(access) } });
    test = ({ id, source }) => matches(id, source);
    visibleBy.set(access, test);
  }
  return test(hit);
}
