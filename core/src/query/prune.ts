import { generationText } from '../ids/generation.ts';
import type { Dsl } from '../store/port.ts';
import { type Fragment, type Needed, neededOf } from './fragments.ts';
import { matcherOf } from './match.ts';

/** no: none of the events is a hit. yes: all are. maybe: their documents have to be looked at. */
export type Verdict = 'no' | 'maybe' | 'yes';

/** What is known of some events before documents are made of them; what is absent may be anything. */
export interface PruneView {
  /** All of them come from there. */
  source?: PruneSource;
  /** Their times, whole seconds since 1970 of the first and the last. */
  times?: { first: number; last: number };
  /** Offsets that their records have, `to` excluded. */
  offsets?: readonly { from: number; to: number }[];
  /** False: none of their texts in this place holds it. */
  holds?(fragment: Fragment, place: Needed['place']): boolean;
}

export interface PruneSource {
  tag: string;
  host: string;
  path: string;
  stream: string;
  /** 16 bytes. */
  generation: Uint8Array;
}

/** Decides by what is known whether some events can be hits; with more knowledge it never takes back a no or a yes. */
export interface Pruner {
  verdict(view: PruneView): Verdict;
  /**
   * What one of must stand in a hit's text, each in its place; undefined: a hit may hold any text. Of conditions that
   * must all be met the one with the longest texts.
   */
  anchors: readonly { fragment: Fragment; place: Needed['place'] }[] | undefined;
}

/** Of a query as compileQuery makes it, filters added by the application included. */
export function compilePruner(dsl: Dsl): Pruner {
  const node = compiled(dsl);
  return { verdict: node.verdict, anchors: node.anchors };
}

type Node = Pruner;

/** More alternatives cost more than they spare. */
const anchorsMax = 32;

function compiled(dsl: Dsl): Node {
  const [kind = '', body] = Object.entries(dsl)[0] ?? [];
  if (kind === 'bool') return bool(body as Dsl);
  if (kind === 'match_all') return { verdict: () => 'yes', anchors: undefined };
  if (kind === 'ids') return ids((body as { values: string[] }).values);
  return leaf(kind, body as Dsl, dsl);
}

function bool(body: Dsl): Node {
  const clauses = (name: string) => ((body[name] ?? []) as Dsl[]).map(compiled);
  const [filter, mustNot, should] = [clauses('filter'), clauses('must_not'), clauses('should')];
  const any = (view: PruneView) => best(should.map((node) => node.verdict(view)));
  return {
    verdict(view) {
      let all: Verdict = 'yes';
      const also = (verdict: Verdict) => {
        all = worse(all, verdict);
        return all !== 'no';
      };
      // From the first no on nothing more is asked: texts are costly to look into.
      const met =
        filter.every((node) => also(node.verdict(view))) &&
        mustNot.every((node) => also(opposite[node.verdict(view)])) &&
        (should.length === 0 || also(any(view)));
      return met ? all : 'no';
    },
    anchors: longest([...filter.map(({ anchors }) => anchors), together(should)]),
  };
}

const opposite: Record<Verdict, Verdict> = { no: 'yes', maybe: 'maybe', yes: 'no' };
const rank: Record<Verdict, number> = { no: 0, maybe: 1, yes: 2 };

function worse(a: Verdict, b: Verdict): Verdict {
  return rank[a] < rank[b] ? a : b;
}

function best(verdicts: Verdict[]): Verdict {
  return verdicts.reduce((a, b) => (rank[a] > rank[b] ? a : b), 'no');
}

function together(nodes: Node[]): Node['anchors'] {
  if (nodes.length === 0) return undefined;
  const all: NonNullable<Node['anchors']>[number][] = [];
  for (const { anchors } of nodes) {
    if (anchors === undefined) return undefined;
    all.push(...anchors);
  }
  return all.length > anchorsMax ? undefined : all;
}

/** Of several of which each must be met, the one whose shortest text is the longest. */
function longest(candidates: Node['anchors'][]): Node['anchors'] {
  const length = (anchors: Node['anchors']) =>
    Math.min(...(anchors ?? []).map(({ fragment }) => fragment.text.length));
  return candidates.reduce((a, b) => {
    if (a === undefined || b === undefined) return a ?? b;
    return length(b) > length(a) ? b : a;
  }, undefined);
}

function ids(values: string[]): Node {
  // Generation and offset stand in an event's id.
  const places = values.flatMap((id) => {
    const bytes = Buffer.from(id, 'base64url');
    if (bytes.length !== 26) return [];
    return [{ generation: bytes.subarray(0, 16), offset: bytes.readUIntBE(16, 6) }];
  });
  return {
    anchors: undefined,
    verdict: ({ source, offsets }) =>
      places.some(
        ({ generation, offset }) =>
          (source === undefined || generation.equals(source.generation)) &&
          (offsets === undefined || offsets.some(({ from, to }) => from <= offset && offset < to)),
      )
        ? 'maybe'
        : 'no',
  };
}

/** Fields that are the same for all events of a source. */
const sourceFields = new Set(['tag', 'stream', 'host.name', 'log.file.path', 'event.generation']);

function leaf(kind: string, body: Dsl, dsl: Dsl): Node {
  const [named = '', what] = kind === 'exists' ? [String(body.field)] : (Object.entries(body)[0] ?? []);
  if (sourceFields.has(named)) return ofSource(dsl);
  if (named === '@timestamp' && kind === 'range') return time(what as Record<string, string>);
  if (named === 'log.offset') return offset(kind, what as Record<string, number>);
  const value = kind === 'match_phrase' ? what : (what as { value?: unknown } | undefined)?.value;
  const needed = typeof value === 'string' ? neededOf(kind, named, value) : undefined;
  return needed === undefined ? unknown : text(needed);
}

const unknown: Node = { verdict: () => 'maybe', anchors: undefined };

/** The matcher itself says what it thinks of such a document: it looks at nothing else. */
function ofSource(dsl: Dsl): Node {
  const matches = matcherOf(dsl);
  let last: { source: PruneSource; verdict: Verdict } | undefined;
  return {
    anchors: undefined,
    verdict({ source }) {
      if (source === undefined) return 'maybe';
      if (last?.source !== source) {
        const { tag, stream, host, path, generation } = source;
        const document = {
          tag,
          stream,
          host: { name: host },
          log: { file: { path } },
          event: { generation: generationText(generation) },
        };
        last = { source, verdict: matches('', document) ? 'yes' : 'no' };
      }
      return last.verdict;
    },
  };
}

/** To the second, which holds for fractions too: events of a second that a bound cuts are looked at. */
function time(bounds: Record<string, string>): Node {
  const seconds = (text: string | undefined, open: number) =>
    text === undefined ? open : Math.floor(Date.parse(`${text.slice(0, 19)}Z`) / 1000);
  const from = seconds(bounds.gte ?? bounds.gt, Number.NEGATIVE_INFINITY);
  const to = seconds(bounds.lte ?? bounds.lt, Number.POSITIVE_INFINITY);
  return {
    anchors: undefined,
    verdict({ times }) {
      if (times === undefined) return 'maybe';
      if (times.last < from || times.first > to) return 'no';
      return times.first > from && times.last < to ? 'yes' : 'maybe';
    },
  };
}

function offset(kind: string, bounds: Record<string, number>): Node {
  const value = kind === 'term' ? bounds.value : undefined;
  const from = value ?? bounds.gte ?? bounds.gt ?? Number.NEGATIVE_INFINITY;
  const to = value ?? bounds.lte ?? bounds.lt ?? Number.POSITIVE_INFINITY;
  if (kind !== 'term' && kind !== 'range') return unknown;
  return {
    anchors: undefined,
    verdict: ({ offsets }) =>
      offsets?.some((stretch) => stretch.from <= to && stretch.to > from) === false ? 'no' : 'maybe',
  };
}

function text({ place, fragments }: Needed): Node {
  const [longestFirst] = [...fragments].sort((a, b) => b.text.length - a.text.length);
  return {
    anchors: longestFirst === undefined ? undefined : [{ fragment: longestFirst, place }],
    verdict: ({ holds }) =>
      holds !== undefined && fragments.some((fragment) => !holds(fragment, place)) ? 'no' : 'maybe',
  };
}
