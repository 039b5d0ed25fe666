import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { containers } from './cases/theme.ts';
import { compileMatcher } from './match.ts';
import { parseSearch } from './parser.ts';
import { runPipes } from './pipes/run.ts';
import { shapeOf } from './pipes/shape.ts';

// Random queries, written as people may, against what they mean of random documents, said without parser or DSL.
interface Doc {
  words: string[];
  tag: string;
  level: string | undefined;
  n: number | undefined;
}

interface Condition {
  text: string;
  holds(doc: Doc): boolean;
}

const word = fc.constantFrom('ab', 'abc', 'b', 'Ürsula', 'x9', '東京', '😀');
const lower = (text: string) => text.toLowerCase();
const doc = fc.record({
  words: fc.array(word, { maxLength: 5 }),
  tag: fc.constantFrom('app', 'app.shop', 'nginx'),
  level: fc.option(fc.constantFrom('info', 'error'), { nil: undefined }),
  n: fc.option(fc.integer({ min: -5, max: 5 }), { nil: undefined }),
});

const has = (d: Doc, ...run: string[]) =>
  d.words.some((_, i) => run.every((item, j) => lower(d.words[i + j] ?? '') === lower(item)));

const leaf = fc.oneof(
  word.map((w): Condition => ({ text: w.toUpperCase(), holds: (d) => has(d, w) })),
  fc.tuple(word, word).map(([a, b]): Condition => ({ text: `"${a}, ${b}"`, holds: (d) => has(d, a, b) })),
  fc.tuple(word, word).map(([a, b]): Condition => ({ text: `${a}-${b}`, holds: (d) => has(d, a, b) })),
  fc.constantFrom('a', 'ab', 'ür').map(
    (start): Condition => ({
      text: `${start}*`,
      holds: (d) => d.words.some((w) => lower(w).startsWith(start)),
    }),
  ),
  fc.constant<Condition>({ text: '?b*', holds: (d) => d.words.some((w) => /^.b/.test(w)) }),
  fc.constant<Condition>({
    text: '/.{1}|x\\d/',
    holds: (d) => d.words.some((w) => [...w].length === 1 || w === 'x9'),
  }),
  fc
    .constantFrom('app', 'app.shop')
    .map((tag): Condition => ({ text: `tag:${tag}`, holds: (d) => d.tag === tag })),
  fc.constant<Condition>({ text: 'tag:(app* -app.shop)', holds: (d) => d.tag === 'app' }),
  fc
    .constantFrom('ERR', 'error')
    .map((level): Condition => ({ text: `level:${level}`, holds: (d) => d.level === 'error' })),
  fc.constant<Condition>({ text: '_exists_:n', holds: (d) => d.n !== undefined }),
  fc.tuple(fc.integer({ min: -5, max: 5 }), fc.boolean()).map(
    ([from, whole]): Condition => ({
      text: whole ? `n:[${from} TO *]` : `n:>${from}`,
      holds: (d) => d.n !== undefined && (whole ? d.n >= from : d.n > from),
    }),
  ),
);

const space = fc.constantFrom(' ', '  ', '\t');
const condition = fc.letrec<{ any: Condition; and: Condition; or: Condition; not: Condition }>((tie) => ({
  any: fc.oneof({ maxDepth: 4 }, leaf, tie('and'), tie('or'), tie('not')),
  and: fc
    .tuple(tie('any'), fc.constantFrom(' ', ' AND ', ' && '), tie('any'), space)
    .map(([a, join, b, gap]) => ({
      text: `(${a.text}${join}${gap}${b.text})`,
      holds: (d) => a.holds(d) && b.holds(d),
    })),
  or: fc
    .tuple(tie('any'), fc.constantFrom(' OR ', ' || '), tie('any'))
    .map(([a, join, b]) => ({ text: `(${a.text}${join}${b.text})`, holds: (d) => a.holds(d) || b.holds(d) })),
  not: fc
    .tuple(fc.constantFrom('NOT ', '-', '!'), tie('any'))
    .map(([sign, a]) => ({ text: `(${sign}${a.text})`, holds: (d) => !a.holds(d) })),
})).any;

const sourceOf = (d: Doc, second: number) => ({
  '@timestamp': `2026-11-22T10:00:${String(second).padStart(2, '0')}Z`,
  message: d.words.join(' ,'),
  tag: d.tag,
  ...(d.level === undefined ? {} : { log: { level: d.level } }),
  ...containers(d.n === undefined ? {} : { n: d.n }),
});

test('a random query finds the random documents that it means', () => {
  fc.assert(
    fc.property(condition, fc.array(doc, { minLength: 1, maxLength: 6 }), ({ text, holds }, docs) => {
      const matches = compileMatcher(text, { nowMs: 0 });
      for (const [i, d] of docs.entries()) assert.equal(matches(`id${i}`, sourceOf(d, i)), holds(d), text);
    }),
    { numRuns: 2000 },
  );
});

test('counts by a field add up to the events that have it, in any order and in parts', () => {
  const pipe = fc.constantFrom('count by tag', 'count by level', 'top n', 'rare 3 n', 'count by tag, level');
  fc.assert(
    fc.property(pipe, fc.array(doc, { maxLength: 20 }), fc.nat(20), (text, docs, cut) => {
      const shape = shapeOf(parseSearch(`| ${text}`).pipes);
      const limits = { groupsMax: 100, rowsMax: 100, bytesMax: 1e9 };
      const whole = runPipes(shape, limits, {});
      const first = runPipes(shape, limits, {});
      const rest = runPipes(shape, limits, {});
      const documents = docs.map((d, i) => ({ id: `id${i}`, source: sourceOf(d, i) }));
      for (const document of documents) whole.add(document);
      for (const document of documents.slice(0, cut).reverse()) first.add(document);
      for (const document of documents.slice(cut)) rest.add(document);
      // As the store's counts are added to those of the archive.
      for (const { values, count } of first.groups.ranked('most')) rest.groups.add(values, count);
      assert.deepEqual(rest.end().table, whole.end().table);
      if (text.startsWith('count by tag') && !text.includes('level'))
        assert.equal(
          whole.end().table?.rows.reduce((sum, row) => sum + Number(row.at(-1)), 0),
          docs.length,
        );
    }),
  );
});
