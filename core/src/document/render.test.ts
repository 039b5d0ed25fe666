import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Rule } from '../rule/rule.ts';
import { ruleText } from '../rule/text.ts';
import { bulkAction } from '../store/action.ts';
import type { Block, Run, Source } from '../wire/block.ts';
import { blockRecords } from '../wire/records.ts';
import { leavesMax } from './containers.ts';
import { createRenderer } from './render.ts';
import type { RenderedDocument } from './types.ts';

const capturedMs = Date.UTC(2026, 10, 22, 12);
const combined = '10.0.0.1 - - [22/Nov/2026:11:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "curl"\n';

interface Part {
  text: string | Uint8Array;
  rule?: string;
  run?: Partial<Run>;
}

const noneRule = ruleText({ v: 1, parse: { type: 'none' } });
const jsonRule = ruleText({ v: 1, parse: { type: 'json' } });

/** A block of one source and run per part. */
function blockOf(parts: Part[], stream = 'logs'): Block {
  const bytes = parts.map((part) => Buffer.from(part.text as Uint8Array));
  const rules = [...new Set(parts.map((part) => part.rule ?? noneRule))];
  const sources = parts.map((part, i): Source => {
    const rule = rules.indexOf(part.rule ?? noneRule);
    return { generation: Buffer.alloc(16, i + 1), path: `/var/log/${i}.log`, tag: 'app', rule };
  });
  const runs = parts.map((part, source): Run => {
    const size = bytes[source]?.length ?? 0;
    const flags = { filler: false, continues: false, continued: false };
    return { source, from: 100, to: 100 + size, capturedMs, size, ...flags, ...part.run };
  });
  const header = { host: 'web-1', agent: Buffer.alloc(16), stream, rules, sources, runs };
  return { header, payload: Buffer.concat(bytes) };
}

function render(block: Block) {
  const documents: RenderedDocument[] = [];
  const unrendered = createRenderer().renderBlock(block, blockRecords(block), (item) => documents.push(item));
  const parsed = documents.map((item) => JSON.parse(item.source) as Record<string, unknown>);
  return { documents, parsed, unrendered };
}

test('every record of a block becomes a document, in order, with its own source and offset', () => {
  const { parsed } = render(blockOf([{ text: 'a\nbc\n' }, { text: '{"x":1}\n', rule: jsonRule }]));
  assert.deepEqual(
    parsed.map(({ message, log }) => ({ message, log })),
    [
      { message: 'a', log: { file: { path: '/var/log/0.log' }, offset: 100 } },
      { message: 'bc', log: { file: { path: '/var/log/0.log' }, offset: 102 } },
      { message: '{"x":1}', log: { file: { path: '/var/log/1.log' }, offset: 100 } },
    ],
  );
});

test('a rule that is not understood sets its source aside and leaves the others alone', () => {
  const newer = '{"parse":{"type":"none"},"v":2}';
  const late = ruleText({ v: 1, parse: { type: 'regexp', expression: '(?<a>x)(?=y)' } });
  const zone = ruleText({ v: 1, parse: { type: 'json' }, time: { key: 't', type: 'string', zone: 'X/Y' } });
  const encoding = ruleText({ v: 1, parse: { type: 'none' }, encoding: 'klingon' });
  const half = ruleText({ v: 1, parse: { type: 'none' }, add: { '\ud800': 'x' } });
  const bad = [newer, late, zone, encoding, half, 'not json'];
  const parts = bad.map((rule) => ({ text: 'one\ntwo\n', rule }));
  const block = blockOf([{ text: 'first\n' }, ...parts, { text: 'last\n' }]);
  const { parsed, unrendered } = render(block);
  assert.deepEqual(
    parsed.map(({ message }) => message),
    ['first', 'last'],
  );
  assert.deepEqual(
    unrendered.map(({ source, error, ids }) => [source.path, error.code, ids.length]),
    bad.map((_, i) => [`/var/log/${i + 1}.log`, 'RULE_INVALID', 2]),
  );
  const ids = unrendered.flatMap((item) => item.ids);
  assert.equal(new Set(ids).size, ids.length);
});

test('a stream name that cannot name an index fails the block', () => {
  assert.throws(() => render(blockOf([{ text: 'a\n' }], 'a*')), { code: 'CONFIG_INVALID' });
});

test('the pieces of a cut record are shown as they are, and say so', () => {
  const rule = jsonRule;
  const { parsed, documents } = render(
    blockOf([
      { text: '{"a":1}\n{"b":', rule, run: { continued: true } },
      { text: '2}\n{"c":3}\n', rule, run: { continues: true } },
    ]),
  );
  assert.deepEqual(
    parsed.map(({ message, fields }) => [message, fields]),
    [
      ['{"a":1}', { a: 1 }],
      ['{"b":', undefined],
      ['2}', undefined],
      ['{"c":3}', { c: 3 }],
    ],
  );
  const piece = 'limit: a piece of a record over 1 MiB';
  assert.deepEqual(
    documents.map((item) => item.error),
    [undefined, piece, piece, undefined],
  );
});

test('a record of too many fields is indexed by the first ones and says how many are left', () => {
  const fields = Object.fromEntries(Array.from({ length: leavesMax + 3 }, (_, i) => [`f${i}`, i]));
  const { parsed, documents } = render(blockOf([{ text: JSON.stringify(fields), rule: jsonRule }]));
  assert.deepEqual(parsed[0]?.fields, fields);
  assert.equal((parsed[0]?.kv as string[] | undefined)?.length, leavesMax);
  assert.match(documents[0]?.error ?? '', /^limit: 3 values/);
  assert.equal((parsed[0]?.error as { type: string } | undefined)?.type, 'limit');
});

test('what the bulk action adds joins the event object', () => {
  const [document] = render(blockOf([{ text: 'a\n' }])).documents;
  assert.ok(document !== undefined);
  const line = bulkAction(document, '2026-11-22T12:00:01.000Z').split('\n')[1] ?? '';
  const sent = JSON.parse(line) as { event: Record<string, unknown> };
  const rendered = JSON.parse(document.source) as { event: Record<string, unknown> };
  assert.equal(sent.event.ingested, '2026-11-22T12:00:01.000Z');
  assert.equal(sent.event.generation, rendered.event.generation);
  assert.deepEqual({ ...sent, event: rendered.event }, rendered);
});

test('capture times that no index can hold are clamped', () => {
  for (const [ms, expected] of [
    [-5, '1970-01-01T00:00:00.000Z'],
    [Number.NaN, '1970-01-01T00:00:00.000Z'],
    [Number.MAX_SAFE_INTEGER, '2262-04-11T23:47:15.999Z'],
  ] as const) {
    const { parsed } = render(blockOf([{ text: 'a\n', run: { capturedMs: ms } }]));
    assert.equal(parsed[0]?.['@timestamp'], expected);
  }
});

test('a record reads the same alone and among records beyond ASCII', () => {
  const rule = ruleText({ v: 1, parse: { type: 'nginx' } });
  const alone = render(blockOf([{ text: combined, rule }]));
  const mixed = render(blockOf([{ text: combined, rule }, { text: 'é\n' }]));
  assert.equal(mixed.documents[0]?.source, alone.documents[0]?.source);
  assert.equal(mixed.documents[0]?.id, alone.documents[0]?.id);
});

const rules: Rule[] = [
  { v: 1, parse: { type: 'none' } },
  { v: 1, parse: { type: 'json' }, time: { key: 't', type: 'string' }, add: { 'a"b': '\u0000' } },
  { v: 1, parse: { type: 'nginx' }, add: { env: 'x' } },
  { v: 1, parse: { type: 'regexp', expression: '(?<t>[^:]*):(?<level>.*)' }, types: { level: 'float' } },
  { v: 1, parse: { type: 'json' }, encoding: 'utf-16le' },
];

test('any bytes become valid documents, and the same block the same ones', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 120 }),
    fc.json().map((text) => Buffer.from(`${text}\n`)),
    fc.string({ unit: 'binary', maxLength: 40 }).map((text) => Buffer.from(`{"t":"${text}"}\n`, 'utf16le')),
    fc.string({ unit: 'binary', maxLength: 40 }).map((text) => Buffer.from(combined.replace('/', text))),
  );
  const part = fc.record({ text: bytes, rule: fc.constantFrom(...rules.map(ruleText)) });
  const shared = createRenderer();
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), (parts) => {
      const block = blockOf(parts);
      const { documents, parsed } = render(block);
      assert.equal(documents.length, [...blockRecords(block)].length);
      for (const document of parsed) {
        assert.equal(typeof document.message, 'string');
        assert.ok(JSON.stringify(document).isWellFormed());
        assert.ok(!/\\ud[89a-f]/.test(JSON.stringify(document).replaceAll('\\\\', '')));
      }
      const again: RenderedDocument[] = [];
      shared.renderBlock(block, blockRecords(block), (item) => again.push(item));
      assert.deepEqual(again, documents);
    }),
    { numRuns: 300 },
  );
});
