import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { addBlockTokens } from '../archive/block-tokens.ts';
import { TokenFilterBuilder } from '../archive/token-filter.ts';
import { bytePattern } from '../query/byte-pattern.ts';
import { matcherOf } from '../query/match.ts';
import { compilePruner, type PruneView } from '../query/prune.ts';
import { lowercase, tokenize } from '../query/tokenize.ts';
import type { Dsl } from '../store/port.ts';
import type { Block, Run } from '../wire/block.ts';
import { blockRecords, recordsAt } from '../wire/records.ts';
import { SourceText } from './held-text.ts';
import { createRenderer } from './render.ts';

const path =
  '/var/log/containers/shop-1_prod_api-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.log';

/** A block with one record after the other, in a run with their lengths where they do not end lines. */
function blockOf(rule: string, records: Buffer[], lengths: boolean): Block {
  const payload = Buffer.concat(records);
  const run: Run = {
    source: 0,
    from: 0,
    to: payload.length,
    size: payload.length,
    capturedMs: Date.UTC(2026, 10, 22),
    filler: false,
    continues: false,
    continued: false,
    ...(lengths ? { lengths: records.map((record) => record.length) } : {}),
  };
  const source = { generation: Buffer.alloc(16, 7), path, tag: 'app', rule: 0 };
  const header = { host: 'web-1', agent: Buffer.alloc(16), stream: 'logs', rules: [rule] };
  return { header: { ...header, sources: [source], runs: [run] }, payload };
}

const escaped = (text: string) => text.replaceAll(/[*?\\]/g, '\\$&');

/** Queries that find a document, each by another of its texts. */
function queriesFor(source: Record<string, unknown>): Dsl[] {
  const queries: Dsl[] = [];
  const tokens = tokenize(String(source.message)).map(({ token }) => token);
  for (const [i, token] of tokens.entries()) {
    queries.push(
      { term: { message: { value: token } } },
      { prefix: { message: { value: token.slice(0, 2) } } },
    );
    queries.push({ wildcard: { message: { value: `*${escaped([...token].slice(1).join(''))}` } } });
    if (i > 0) queries.push({ match_phrase: { message: `${tokens[i - 1]} ${token}` } });
  }
  for (const term of (source.kv ?? []) as string[]) {
    const at = term.indexOf('=') + 1;
    const value = [...term.slice(at)];
    queries.push({ term: { kv: { value: term } } }, { prefix: { kv: { value: term.slice(0, at + 3) } } });
    const middle = escaped(value.slice(1, -1).join(''));
    queries.push({ wildcard: { kv: { value: `${escaped(term.slice(0, at))}*${middle}*` } } });
  }
  const known: [string, unknown][] = [
    ['url.original', (source.url as Record<string, unknown> | undefined)?.original],
    ['trace.id', (source.trace as Record<string, unknown> | undefined)?.id],
    ['service.name', (source.service as Record<string, unknown> | undefined)?.name],
    ['user_agent.original', (source.user_agent as Record<string, unknown> | undefined)?.original],
  ];
  for (const [field, value] of known)
    if (typeof value === 'string') queries.push({ term: { [field]: { value } } });
  return queries.filter((query) => matcherOf(query)('', source));
}

/** Of each document, that nothing which looks at bytes or filters would keep a search from it. */
function assertFound(block: Block): number {
  const builder = new TokenFilterBuilder();
  addBlockTokens(builder, block);
  const filter = builder.build(1 << 21);
  assert.ok(filter);
  const text = new SourceText(block.header.rules[0] ?? '', path);
  const payload = Buffer.from(block.payload);
  const run = block.header.runs[0];
  assert.ok(run);
  let asked = 0;
  for (const record of blockRecords(block)) {
    createRenderer().renderBlock(block, [record], (document) => {
      const source = JSON.parse(document.source);
      const bytes = payload.toString('latin1', record.start, record.end);
      const joined = text.fidelity.joins && bytes.trimEnd().includes('\n');
      const first = Math.floor(Date.parse(source['@timestamp'].replace(/\.\d+/, '')) / 1000);
      const view: PruneView = {
        times: { first, last: first },
        offsets: [{ from: record.offset, to: record.offset + 1 }],
      };
      for (const query of [...queriesFor(source), { ids: { values: [document.id] } }]) {
        asked++;
        const said = `${JSON.stringify(query)} finds ${document.source}`;
        const pruner = compilePruner(query);
        const byFilter = pruner.verdict({
          ...view,
          holds: (fragment, place) => text.mayHoldIn(filter, fragment, place),
        });
        assert.notEqual(byFilter, 'no', `the filter denies what ${said}`);
        if (joined) continue;
        const byBytes = pruner.verdict({
          ...view,
          holds: (fragment, place) => text.mayHold(bytes, fragment, place),
        });
        assert.notEqual(byBytes, 'no', `the bytes deny what ${said}`);
        const finder = text.finderOf(pruner.anchors);
        if (finder === undefined) continue;
        const found = recordsAt(block, run, 0, (from, to, at) => finder.find(payload, from, to, at));
        assert.ok(
          found.some(
            ({ start, end, offset }) =>
              start === record.start && end === record.end && offset === record.offset,
          ),
          `passed over by ${said}`,
        );
      }
    });
  }
  return asked;
}

interface GoldenCase {
  rule: string;
  record: { utf8: string } | { base64: string };
}

const golden: GoldenCase[] = readdirSync(new URL('golden/v1/', import.meta.url)).flatMap((file) =>
  JSON.parse(readFileSync(new URL(`golden/v1/${file}`, import.meta.url), 'utf8')),
);

test('whatever a query finds in the golden corpus, bytes and filters lead to it', () => {
  let asked = 0;
  for (const { rule, record } of golden) {
    const bytes = 'utf8' in record ? Buffer.from(record.utf8) : Buffer.from(record.base64, 'base64');
    asked += assertFound(blockOf(rule, [bytes], true));
  }
  assert.ok(asked > 1_000, `${asked}`);
});

const word = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9_]{1,6}$/),
  fc.constantFrom(
    'Kelvin\u212a',
    '\u0130stanbul',
    'ΣΊΣΥΦΟΣ',
    'Straße',
    'Привет',
    '한글',
    '😀x',
    'caf\u00e9',
    '4.2e1',
    '42',
    '-0',
    '1.50',
    'true',
    'n',
    'u0041',
    'x'.repeat(300),
    '\ufffd',
    '\ud800',
    'a=b',
    '日本語。',
    'a"b',
    'a\\b',
    '\t',
    'error',
    'fooBar',
  ),
);
const sentence = fc
  .array(word, { minLength: 1, maxLength: 6 })
  .chain((words) => fc.constantFrom(' ', '', ':', '\n', '  ', '/').map((glue) => words.join(glue)));
/** JSON as different writers write it. */
const json = fc
  .tuple(
    fc.dictionary(
      fc.constantFrom('message', 'msg', 'user', 'trace_id', 'a.b'),
      fc.oneof(
        sentence,
        fc.double({ noNaN: true }),
        fc.integer(),
        fc.boolean(),
        fc.array(sentence, { maxLength: 2 }),
        fc.record({ id: fc.oneof(fc.nat(), sentence) }),
      ),
    ),
    fc.nat(2),
  )
  .map(([value, style]) => {
    const text = JSON.stringify(value);
    if (style === 0) return text;
    if (style === 1)
      return text.replaceAll(
        /[^\u0000-\u007e]/g,
        (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
      );
    return text.replaceAll(
      /[<>&eK\u00e9](?![^"]*":)/g,
      (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0').toUpperCase()}`,
    );
  });
const numbers = fc
  .tuple(fc.nat(9999), fc.nat(2))
  .map(
    ([value, style]) =>
      `{"id":${style === 0 ? value : style === 1 ? `${value}.0` : `${value / 10}e1`},"message":"x"}`,
  );
const docker = fc.array(fc.oneof(sentence, json), { minLength: 1, maxLength: 3 }).map((parts) =>
  parts
    .map((log, i) =>
      JSON.stringify({
        log: i === parts.length - 1 ? `${log}\n` : log,
        stream: 'stdout',
        attrs: { pod: 'Shop-1' },
      }),
    )
    .join('\n'),
);
const cri = fc
  .array(fc.oneof(sentence, json), { minLength: 1, maxLength: 3 })
  .map((parts) =>
    parts
      .map(
        (log, i) =>
          `2026-11-22T19:16:48Z stdout ${i === parts.length - 1 ? 'F' : 'P'} ${log.replaceAll('\n', ' ')}`,
      )
      .join('\n'),
  );
const pairs = fc.array(fc.tuple(fc.constantFrom('msg', 'user', 'took'), sentence, fc.boolean()), {
  minLength: 1,
  maxLength: 4,
});
const logfmt = pairs.map((all) =>
  all
    .map(
      ([name, value, quoted]) =>
        `${name}=${quoted ? `"${value.replaceAll(/["\\]/g, '\\$&')}"` : value.replaceAll(/\s/g, '')}`,
    )
    .join(' '),
);
const access = fc
  .tuple(sentence, sentence)
  .map(
    ([target, agent]) =>
      `10.0.0.1 - ann [22/Nov/2026:19:16:48 +0000] "GET /${target.replaceAll(/[\s"]/g, '')} HTTP/1.1" 200 12 "-" "${agent.replaceAll(/["\n]/g, '')}"`,
  );
const syslog = fc
  .tuple(fc.constantFrom('host', 'h-'.repeat(140)), sentence)
  .map(([host, text]) => `<13>Nov 22 19:16:48 ${host} app[12]: ${text}`);
const columns = fc
  .array(sentence, { minLength: 1, maxLength: 3 })
  .map((values) =>
    values.map((value) => (/[,"\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value)).join(','),
  );
const text = fc.oneof(sentence, json, numbers, docker, cri, logfmt, access, syslog, columns);

const leaves = [
  { type: 'none' },
  { type: 'json' },
  { type: 'logfmt' },
  { type: 'nginx' },
  { type: 'syslog' },
  { type: 'csv', keys: ['message', 'user'] },
  { type: 'csv', keys: ['user', 'message'], delimiter: 'x' },
  { type: 'ltsv', delimiter: ' ', label_delimiter: '=' },
  { type: 'ltsv', pattern: '[ e]+', label_delimiter: 'a' },
  { type: 'regexp', expression: '^(?<user>.)(?<message>.*)$' },
  { type: 'regexp', expression: '^[^ ]+ (?<message>.*)$' },
  { type: 'regexp', expression: '(?<user>o+)(?<rest>.*)' },
];
const leaf = fc.constantFrom(...leaves);
const more = fc.constantFrom(
  {},
  { types: { user: 'integer', id: 'string' } },
  { types: { message: 'string', user: { type: 'array', delimiter: 'o' } } },
);
const rule = fc
  .oneof(
    fc.tuple(leaf, more).map(([parse, rest]) => ({ parse, ...rest })),
    fc.tuple(leaf, leaf).map(([a, b]) => ({
      parse: {
        type: 'multi',
        patterns: [{ parse: a, mark: { key: 'kind', value: 'First one' } }, { parse: b }],
      },
    })),
    fc
      .tuple(fc.constantFrom('cri', 'docker'), leaf)
      .map(([type, inner]) => ({ parse: { type, inner: { parse: inner } } })),
    fc.constant({ parse: { type: 'docker' } }),
    fc.constant({
      parse: { type: 'json' },
      steps: [{ op: 'set', set: [{ key: 'message', value: ['Made of ', { field: 'user' }] }] }],
    }),
    fc.constant({ parse: { type: 'none' }, encoding: 'utf-16le' }),
  )
  .chain((made) =>
    fc
      .constantFrom({}, { add: { env: 'Production eu', user: 'Nobody' } })
      .map((add) => JSON.stringify({ v: 1, ...made, ...add })),
  );

test('whatever a query finds, bytes and filters lead to it: any record, any rule, any of its words', () => {
  const long = process.env.MILLRACE_TEST_SEEDS === 'random';
  let asked = 0;
  fc.assert(
    fc.property(
      rule,
      fc.array(text, { minLength: 1, maxLength: 4 }),
      fc.boolean(),
      (ruleText, texts, lengths) => {
        const records = texts.map((record) =>
          Buffer.from(lengths ? record : `${record.replaceAll('\n', ' ')}\n`),
        );
        asked += assertFound(
          blockOf(
            ruleText,
            records.filter(({ length }) => length > 0),
            lengths,
          ),
        );
      },
    ),
    { numRuns: long ? 50_000 : 500, ...(long ? {} : { seed: 6 }) },
  );
  assert.ok(asked > 5_000, `${asked}`);
});

test('a pattern of bytes finds each code point that is written like it in lower case', () => {
  for (let code = 0; code <= 0x10ffff; code++) {
    const char = String.fromCodePoint(code);
    const lower = lowercase(char);
    if (lower === char || !char.isWellFormed()) continue;
    const bytes = Buffer.from(char).toString('latin1');
    assert.match(bytes, new RegExp(`^(?:${bytePattern(lower)})$`, 'i'), `U+${code.toString(16)}`);
  }
});
