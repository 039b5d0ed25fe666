import { isMillraceError, type MillraceError } from '../errors.ts';
import type { Dsl } from '../store/port.ts';
import { type Leaf, type Query, queryError } from './ast.ts';
import { containerLeaf } from './compile-container.ts';
import { knownLeaf } from './compile-known.ts';
import { messageLeaf } from './compile-message.ts';
import { type KnownField, resolveField, type Target } from './fields.ts';
import { parseQuery } from './parser.ts';

/** What a query's meaning depends on besides its text. */
export interface CompileContext {
  /** The present, milliseconds since 1970, for `now-15m`. */
  nowMs: number;
}

/**
 * Most `bool` queries within each other. Elasticsearch takes 30; up to four more stand around and within what is
 * counted here: for the time, for the field of figures, for a histogram, and for the places of a field.
 */
const boolsMax = 25;

/**
 * The engine's DSL for a query text, without scores: everything is in filter context.
 * @throws MillraceError QUERY_INVALID, naming the character
 */
export function compileQueryText(text: string, context: CompileContext): Dsl {
  return compileQuery(parseQuery(text), context);
}

/** @throws MillraceError QUERY_INVALID for a value that its field cannot have, and for too deep a nesting */
export function compileQuery(query: Query, context: CompileContext): Dsl {
  return compiled(query, context, 0);
}

/** `bools`: how many stand around this. */
function compiled(query: Query, context: CompileContext, bools: number): Dsl {
  switch (query.type) {
    case 'all':
      return { match_all: {} };
    case 'and':
      return conjunction(query.clauses, context, bools + 1);
    case 'or':
      return either(query.clauses.map((clause) => compiled(clause, context, bools + 1)));
    case 'not':
      return { bool: { must_not: [compiled(query.clause, context, bools + 1)] } };
    default:
      if (bools > boolsMax)
        throw queryError(query.at, 'AND, OR and NOT are nested too deeply', 'ask in fewer levels');
      return leaf(query, context);
  }
}

function conjunction(clauses: Query[], context: CompileContext, bools: number): Dsl {
  const filter: Dsl[] = [];
  const mustNot: Dsl[] = [];
  for (const clause of clauses) {
    if (clause.type === 'not') mustNot.push(compiled(clause.clause, context, bools));
    else filter.push(compiled(clause, context, bools));
  }
  return {
    bool: { ...(filter.length > 0 ? { filter } : {}), ...(mustNot.length > 0 ? { must_not: mustNot } : {}) },
  };
}

function either(queries: Dsl[]): Dsl {
  const [first] = queries;
  if (queries.length === 1 && first !== undefined) return first;
  return { bool: { should: queries, minimum_should_match: 1 } };
}

/** A leaf matches when it does in one of the places that its field's name stands for. */
function leaf(query: Leaf, context: CompileContext): Dsl {
  if (query.type !== 'exists' && query.field === undefined) return messageLeaf(query);
  const queries: Dsl[] = [];
  let refusal: MillraceError | undefined;
  for (const target of resolveField(query.field ?? 'message')) {
    try {
      queries.push(atTarget(query, target, context));
    } catch (error) {
      // code:abc cannot be a status code, but a user's field may have such a value.
      if (!isMillraceError(error, 'QUERY_INVALID')) throw error;
      refusal ??= error;
    }
  }
  if (queries.length === 0 && refusal !== undefined) throw refusal;
  return either(queries);
}

function atTarget(query: Leaf, target: Target, context: CompileContext): Dsl {
  if (target.in === 'containers') return containerLeaf(query, target.name);
  const { field } = target;
  if (query.type === 'exists') return exists(field);
  return field.kind === 'message' ? messageLeaf(query) : knownLeaf(query, field, context);
}

function exists(field: KnownField): Dsl {
  return field.kind === 'id' ? { match_all: {} } : { exists: { field: field.name } };
}
