import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Compile } from 'typebox/compile';
import { createRenderer } from '../document/render.ts';
import { parseRule, type Rule } from '../rule/rule.ts';
import { type Step, StepsSchema } from '../rule/steps-schema.ts';
import { ruleText } from '../rule/text.ts';
import { decodeBlock } from '../wire/decode.ts';
import { encodeBlock } from '../wire/encode.ts';
import { blockRecords } from '../wire/records.ts';
import { isoTime } from './calendar.ts';
import { lookup } from './lookup.ts';
import { compileRule } from './registry.ts';

const capturedMs = Date.parse('2026-11-22T12:00:00.250Z');

/** What the consumer makes of one record, through the bytes of a block. */
function documentOf(rule: Rule, text: string): Record<string, unknown> {
  const payload = Buffer.from(`${text}\n`);
  const flags = { filler: false, continues: false, continued: false };
  const run = { source: 0, from: 0, to: payload.length, capturedMs, size: payload.length, ...flags };
  const source = { generation: Buffer.alloc(16, 1), path: '/a.log', tag: 't', rule: 0 };
  const head = { host: 'h', agent: Buffer.alloc(16), stream: 'logs', rules: [ruleText(rule)] };
  const lengths = [payload.length];
  const block = decodeBlock(
    encodeBlock({ ...head, sources: [source], runs: [{ ...run, lengths }] }, payload),
  );
  const documents: string[] = [];
  const unrendered = createRenderer().renderBlock(block, blockRecords(block), (each) =>
    documents.push(each.source),
  );
  assert.deepEqual(unrendered, []);
  return JSON.parse(documents[0] ?? '') as Record<string, unknown>;
}

const names = ['a', 'b', 'c', 'level', 'message', 'x.y'];
const name = fc.constantFrom(...names);
const path = fc.oneof(
  name,
  fc
    .array(fc.oneof(name, fc.integer({ min: -2, max: 2 })), { minLength: 1, maxLength: 3 })
    .map((steps) => [String(steps[0] ?? 'a'), ...steps.slice(1)]),
);
const part = fc.oneof(
  fc.string({ maxLength: 8 }).map((text) => text.toWellFormed()),
  path.map((field) => ({ field })),
  fc.constant({ time: 'iso' as const }),
);
const parts = fc.array(part, { minLength: 1, maxLength: 3 });
const reading = fc.constantFrom(
  { parse: { type: 'json' as const } },
  { parse: { type: 'ltsv' as const }, types: { a: 'integer' as const } },
  { parse: { type: 'regexp' as const, expression: '(?<a>\\w+) ?(?<b>.*)', flags: 's' } },
);
const yes = (key: string) =>
  fc.option(fc.constant(true), { nil: undefined }).map((value) => (value ? { [key]: value } : {}));
const step: fc.Arbitrary<Step> = fc.oneof(
  fc
    .array(fc.record({ key: name, value: parts }), { minLength: 1, maxLength: 3 })
    .map((set) => ({ op: 'set' as const, set })),
  fc.array(path, { minLength: 1, maxLength: 3 }).map((keys) => ({ op: 'remove' as const, keys })),
  fc.array(name, { maxLength: 4 }).map((keys) => ({ op: 'keep' as const, keys })),
  name.map((key) => ({ op: 'time' as const, key })),
  fc
    .tuple(
      path,
      reading,
      yes('keep'),
      yes('remove'),
      yes('keep_time'),
      yes('quiet'),
      fc.constantFrom({}, { prefix: 'p_' }, { into: 'c' }),
    )
    .map(([key, read, ...more]) => Object.assign({ op: 'parse' as const, key }, read, ...more) as Step),
);
const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.string({ maxLength: 12 }).map((text) => text.toWellFormed()),
    fc.constantFrom('{"a":{"b":1}}', 'a:1\tb:x', 'word and more', 1_700_000_000, 12.5, true, null),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(name, tie('value'), { maxKeys: 3 }),
  ),
})).value;
const record = fc.oneof(
  fc.dictionary(name, value, { maxKeys: 5 }).map((fields) => JSON.stringify(fields)),
  fc.string({ maxLength: 20 }).map((text) => text.toWellFormed().replace(/[\r\n]/g, ' ')),
);

test('what steps make at the edge is what the consumer makes, through rule text and block', () => {
  const rules = fc.record({
    type: fc.constantFrom('json' as const, 'none' as const),
    steps: fc.array(step, { minLength: 1, maxLength: 5 }),
  });
  const valid = Compile(StepsSchema);
  const property = fc.property(rules, record, ({ type, steps }, text) => {
    assert.ok(valid.Check(steps), JSON.stringify(steps));
    const rule: Rule = { v: 1, parse: { type }, steps, add: { x: 'added' } };
    const parsed = compileRule(rule).parse(text, capturedMs);
    const document = documentOf(rule, text);
    assert.equal(ruleText(parseRule(ruleText(rule))), ruleText(rule));
    assert.equal(document['@timestamp'], parsed.time ? isoTime(parsed.time) : '2026-11-22T12:00:00.250Z');
    assert.equal((document.error as { type?: string } | undefined)?.type, parsed.error?.type);
    const view = { parsed, text, outer: rule.add };
    const fields = (document.fields ?? {}) as Record<string, unknown>;
    for (const key of ['a', 'b', 'c', 'x.y', 'p_a', 'x']) {
      const early = lookup(view, key);
      assert.deepEqual(
        fields[key],
        early === undefined ? undefined : (JSON.parse(JSON.stringify(early)) as unknown),
        key,
      );
    }
    const message = lookup(view, 'message');
    if (typeof message === 'string' || parsed.message !== undefined)
      assert.equal(document.message, typeof message === 'string' ? message.toWellFormed() : parsed.message);
  });
  fc.assert(property, { numRuns: 1_000 });
});

test('a forged rule makes no document that is much longer than its record and its text', () => {
  const field = (key: string) => ({ field: key });
  const doubling: Step[] = Array.from({ length: 64 }, () => ({
    op: 'set',
    set: [{ key: 'a', value: Array.from({ length: 64 }, () => field('a')) }],
  }));
  const copying: Step[] = Array.from({ length: 64 }, (_, step) => ({
    op: 'set',
    set: Array.from({ length: 20 }, (_, i) => ({ key: `k${step}-${i}`, value: [field('o')] })),
  }));
  const parsing: Step[] = Array.from({ length: 64 }, (_, i) => ({
    op: 'parse',
    key: 't',
    parse: { type: 'json' },
    keep: true,
    into: `p${i}`,
    quiet: true,
  }));
  const text = JSON.stringify({
    a: 'x'.repeat(100),
    o: { list: Array.from({ length: 500 }, (_, i) => i) },
    t: JSON.stringify(Array.from({ length: 900 })),
  });
  for (const steps of [doubling, copying, parsing]) {
    const document = documentOf({ v: 1, parse: { type: 'json' }, steps }, text);
    assert.ok(JSON.stringify(document.fields).length < 200_000);
  }
  assert.equal(
    (documentOf({ v: 1, parse: { type: 'json' }, steps: doubling }, text).error as { type: string }).type,
    'limit',
  );
});

test('rules with steps outside of the grammar are refused', () => {
  const refused: unknown[] = [
    [],
    [{ op: 'eval', code: '1' }],
    [{ op: 'set', set: [] }],
    [{ op: 'set', set: [{ key: 'a', value: [] }] }],
    [{ op: 'remove', keys: [[]] }],
    [{ op: 'remove', keys: [Array.from({ length: 21 }, () => 'a')] }],
    [{ op: 'set', set: [{ key: 'a', value: ['x'.repeat(8_193)] }] }],
    Array.from({ length: 65 }, () => ({ op: 'time', key: 'a' })),
    [{ op: 'parse', key: 'a', parse: { type: 'json' }, more: true }],
  ];
  for (const steps of refused)
    assert.throws(() => parseRule(JSON.stringify({ v: 1, parse: { type: 'none' }, steps })), {
      code: 'RULE_INVALID',
    });
  const catastrophic = { op: 'parse', key: 'a', parse: { type: 'regexp', expression: '(?<a>(?=b))' } };
  assert.throws(
    () => compileRule(parseRule(JSON.stringify({ v: 1, parse: { type: 'none' }, steps: [catastrophic] }))),
    {
      code: 'RULE_INVALID',
    },
  );
});
