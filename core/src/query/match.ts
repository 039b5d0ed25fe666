import type { Dsl } from '../store/port.ts';
import type { CompileContext } from './compile.ts';
import { compileQueryText } from './compile.ts';
import { containsPhrase, type Matched, mayHold, type Values, valuesOf } from './match-document.ts';
import {
  addressInRange,
  type Bounds,
  keywordInRange,
  lucenePattern,
  networkOf,
  numberInRange,
  timeInRange,
  wildcardLiterals,
  wildcardMatches,
} from './match-values.ts';
import { tokenize } from './tokenize.ts';

/** Whether a document is a hit; `source` is the parsed JSON of a rendered document, its containers included. */
export type Matcher = (id: string, source: Record<string, unknown>) => boolean;

/**
 * The engines' answer for documents that are in no index. It interprets the very DSL that the engines get, so a query
 * has one meaning; match-cases.ts holds both to the same hits. `event.ingested` is no part of a rendered document.
 * @throws MillraceError QUERY_INVALID, naming the character
 */
export function compileMatcher(text: string, context: CompileContext): Matcher {
  return matcherOf(compileQueryText(text, context));
}

/** The matcher of a query as `compileQuery` makes it, filters added by the application included. */
export function matcherOf(dsl: Dsl): Matcher {
  const matches = compiled(dsl);
  return (id, source) => {
    // Many queries ask about one document, as those of a live tail do: its tokens are made once.
    if (last?.source !== source || last.id !== id) last = { id, source, lower: undefined, tokens: undefined };
    return matches(last);
  };
}

let last: Matched | undefined;

type Test = (document: Matched) => boolean;

function compiled(dsl: Dsl): Test {
  const [kind = '', body] = Object.entries(dsl)[0] ?? [];
  const make = tests[kind];
  if (make === undefined) throw new TypeError(`no matcher for the query ${kind}`);
  return make(body as Dsl);
}

const tests: Record<string, (body: Dsl) => Test> = {
  match_all: () => () => true,
  bool: (body) => bool(body),
  ids: ({ values }) => {
    const wanted = new Set(values as string[]);
    return ({ id }) => wanted.has(id);
  },
  exists: ({ field }) => {
    const values = valuesOf(String(field));
    return (document) => values.exists(document);
  },
  term: (body) =>
    onField<{ value: unknown }>(
      body,
      (values, { value }) => term(values, value),
      ({ value }) => [String(value)],
    ),
  prefix: (body) =>
    onField<{ value: string }>(
      body,
      (_, { value }) =>
        (text) =>
          String(text).startsWith(value),
      ({ value }) => [value],
    ),
  wildcard: (body) =>
    onField<{ value: string }>(
      body,
      (_, { value }) => {
        const matches = wildcardMatches(value);
        return (text) => matches(String(text));
      },
      ({ value }) => wildcardLiterals(value),
    ),
  regexp: (body) =>
    onField<{ value: string }>(body, (_, { value }) => {
      const pattern = lucenePattern(value);
      return (text) => pattern.test(String(text));
    }),
  range: (body) => onField<Bounds>(body, range),
  match_phrase: ({ message }) => {
    const phrase = tokenize(String(message)).map(({ token }) => token);
    return (document) =>
      phrase.every((token) => mayHold(document, token)) && containsPhrase(document, phrase);
  },
};

/** A test of a field's values: one of them must pass. `literals`: texts that a value which passes holds. */
function onField<Body>(
  body: Dsl,
  make: (values: Values, body: Body) => (value: unknown) => boolean,
  literals?: (body: Body) => string[],
): Test {
  const [field = '', what] = Object.entries(body)[0] ?? [];
  const values = valuesOf(field);
  const passes = make(values, what as Body);
  if (values.kind !== 'message') return (document) => values.some(document, passes);
  const held = literals?.(what as Body) ?? [];
  return (document) => held.every((text) => mayHold(document, text)) && values.some(document, passes);
}

function term({ kind }: Values, value: unknown): (value: unknown) => boolean {
  if (kind !== 'ip') return (found) => found === value;
  return addressInRange(networkOf(String(value)));
}

function range({ kind }: Values, bounds: Bounds): (value: unknown) => boolean {
  if (kind === 'integer') return numberInRange(bounds);
  if (kind === 'date') return timeInRange(bounds);
  if (kind === 'ip') return addressInRange(bounds);
  return keywordInRange(bounds);
}

function bool(body: Dsl): Test {
  const clauses = (name: string) => ((body[name] ?? []) as Dsl[]).map(compiled);
  const filter = clauses('filter');
  const mustNot = clauses('must_not');
  const should = clauses('should');
  return (document) =>
    filter.every((test) => test(document)) &&
    !mustNot.some((test) => test(document)) &&
    (should.length === 0 || should.some((test) => test(document)));
}
