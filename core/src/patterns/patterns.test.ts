import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileMatcher } from '../query/match.ts';
import { type MinedLine, PatternMiner } from './miner.ts';
import { corpora } from './testing/corpora.ts';

const line = (message: string, i = 0): MinedLine<string> => ({ message, timeMs: i, example: message });

function mined(messages: Iterable<string>, limits = {}): PatternMiner<string> {
  const miner = new PatternMiner<string>(limits);
  let i = 0;
  for (const message of messages) miner.add(line(message, i++));
  return miner;
}

const many = (make: (i: number) => string, count = 300) => Array.from({ length: count }, (_, i) => make(i));
const finds = (query: string, message: string) => compileMatcher(query, { nowMs: 0 })('id', { message });

const templates: [string, string[]][] = [
  [
    'sshd',
    [
      'Failed password for invalid user <*> from <ip> port <num> ssh2',
      'Connection closed by <ip> port <num> [preauth]',
      'pam_unix(sshd:session): session opened for user <*>(uid=<num>) by (uid=<num>)',
    ],
  ],
  ['nginx', ['<ip> - <*> [<time>] "GET <path> HTTP/<num>" <num> <num> "<str>" "<str>"']],
  [
    'java',
    [
      '<time> ERROR [http-nio-<num>-exec-<num>] c.e.OrderService - Order <num> failed after <duration>: ' +
        'java.io.IOException: Broken pipe <lines> Caused by: x.Y: reset <lines>',
      '<time> INFO [main] c.e.Application - Started Application in <num> seconds',
    ],
  ],
  [
    'kubernetes',
    ['I<num> <time> <num> kubelet.go:<num>] "SyncLoop ADD" source="<str>" pods=["<str>"] uid=<uuid>'],
  ],
  [
    'json',
    ['{"level":"warn","ts":"<time>","msg":"retry <num> of upload","user":"<*>","agent":"<str>","ms":<num>}'],
  ],
  ['logfmt', ['level=info msg="connection from <ip>:<port> closed" dur=<duration> trace=<hex>']],
  ['korean', ['사용자 <*> 로그인했습니다 (IP: <ip>)', '주문 「ORD-<num>」 결제 실패: 잔액 부족']],
];

test('lines of one kind are one pattern, and its words are what they have in common', () => {
  assert.deepEqual(
    Object.keys(corpora),
    templates.map(([name]) => name),
  );
  for (const [name, expected] of templates) {
    const found = mined(many(corpora[name] ?? String)).patterns();
    assert.deepEqual(found.map(({ template }) => template).sort(), [...expected].sort(), name);
  }
});

test('words that tell two outcomes apart are kept, names that vary are not', () => {
  const outcomes = many((i) => `payment ${['accepted', 'refused', 'pending'][i % 3]} for order ${i}`);
  assert.equal(mined(outcomes).patterns().length, 3);
  const names = many((i) => `user ${'abcdefgh'[i % 8]}lice logged in from web`);
  assert.deepEqual(
    mined(names)
      .patterns()
      .map(({ template }) => template),
    ['user <*> logged in from web'],
  );
  const first = many((i) => `${'abcdefgh'[i % 8]}lice logged in from web`);
  assert.deepEqual(
    mined(first)
      .patterns()
      .map(({ template }) => template),
    ['<*> logged in from web'],
  );
});

test('a pattern has its count, times, levels, first line, and weight', () => {
  const miner = new PatternMiner<string>();
  for (const [i, level] of ['info', 'error', 'info', undefined].entries())
    miner.add({ message: `took ${i}ms`, timeMs: 100 - i, level, weight: 2.5, group: i % 2, example: `${i}` });
  assert.deepEqual(miner.patterns(), [
    {
      template: 'took <duration>',
      query: 'took',
      seen: 4,
      count: 10,
      counts: [5, 5],
      firstMs: 97,
      lastMs: 100,
      levels: { info: 5, error: 3 },
      example: '0',
    },
  ]);
});

test('the query of a pattern finds all of its lines', () => {
  for (const make of Object.values(corpora)) {
    const messages = many(make);
    for (const { query, seen, template } of mined(messages).patterns()) {
      const found = messages.filter((message) => finds(query, message));
      assert.ok(found.length >= seen, `${template}: ${query} finds ${found.length} of ${seen}`);
    }
  }
});

const oddPiece = fc.constantFrom(
  ...['a', 'NOT', 'OR', '"', "'", '\\', '<ip>', '10.0.0.1', ':', '=', ' ', '\n', '\n\t', '{', '}', '[', ','],
  ...[
    '5ms',
    'x12345y',
    '/a/b',
    'http://a/b?c',
    '_',
    'ǅ',
    'İ',
    '한글',
    '😀',
    '\u0001',
    '\u3000',
    '2026-11-22',
    '*',
  ],
);
const oddLine = fc.oneof(
  fc.array(oddPiece, { maxLength: 60 }).map((pieces) => pieces.join('')),
  fc.string({ unit: 'grapheme', maxLength: 200 }),
);

test('whatever the line, its query is a query and finds it', () => {
  fc.assert(
    fc.property(oddLine, fc.integer({ min: 1, max: 80 }), (message, unitsMax) => {
      const [pattern] = mined([message], { unitsMax, wordsMax: 20 }).patterns();
      assert.ok(pattern !== undefined && finds(pattern.query, message), pattern?.query);
    }),
    { numRuns: 2_000 },
  );
});

test('of whatever lines, all are counted once, and each is found by the query of some pattern', () => {
  fc.assert(
    fc.property(fc.array(oddLine, { maxLength: 40 }), (messages) => {
      const patterns = mined(messages).patterns();
      assert.equal(
        patterns.reduce((sum, { count }) => sum + count, 0),
        messages.length,
      );
      for (const message of messages) assert.ok(patterns.some(({ query }) => finds(query, message)));
    }),
  );
});

test('the same lines in the same order give the same patterns, and two miners give those of one', () => {
  const messages = Object.values(corpora).flatMap((make) => many(make, 100));
  assert.deepEqual(mined(messages).patterns(), mined(messages).patterns());
  const whole = mined(messages).patterns();
  const first = mined(messages.slice(0, 350));
  first.absorb(mined(messages.slice(350)));
  const view = (patterns: typeof whole) =>
    patterns.map(({ template, count }) => `${count} ${template}`).sort();
  assert.deepEqual(view(first.patterns()), view(whole));
});

test('ten thousand structures stay within the bound: what is given up is counted as other', () => {
  const structures = many((i) => `${','.repeat(i % 100)}x${';'.repeat(Math.floor(i / 100))} y`, 10_000);
  const frequent = many(() => 'the one that matters', 5_000);
  const messages = structures.flatMap((message, i) => [message, ...(frequent[i] ? [frequent[i]] : [])]);
  const miner = mined(messages, { templatesMax: 500 });
  const patterns = miner.patterns();
  assert.ok(patterns.length <= 500);
  assert.deepEqual([patterns[0]?.template, patterns[0]?.count], ['the one that matters', 5_000]);
  const counted = patterns.reduce((sum, { count }) => sum + count, 0) + (miner.other[0] ?? 0);
  assert.equal(counted, messages.length);
});

test('lines that agree in nothing but their number of words are bounded too', () => {
  const words = many((i) => Array.from({ length: 12 }, (_, j) => word(i * 12 + j)).join(' '), 5_000);
  const miner = mined(words, { templatesMax: 300 });
  const counted = miner.patterns().reduce((sum, { count }) => sum + count, 0) + (miner.other[0] ?? 0);
  assert.ok(miner.patterns().length <= 300);
  assert.equal(counted, 5_000);
});

test('of a line of a megabyte only the beginning is looked at', () => {
  for (const piece of ['a', 'a ', '"', '\\"', "'x", '/a,', '1.', '{"a":"', '\n\t', '1s', ':'])
    for (const { template } of mined([piece.repeat(1_000_000 / piece.length)]).patterns())
      assert.ok(template.length < 5_000, piece);
  const [cut] = mined(['x'.repeat(5_000)]).patterns();
  assert.deepEqual([cut?.template, cut?.query], ['<rest>', '*']);
});

/** Letters only, different for each number. */
function word(i: number): string {
  return (i * 2_654_435_761).toString(26).replaceAll(/\d/g, (char) => 'qrstuvwxyz'[Number(char)] ?? '');
}
