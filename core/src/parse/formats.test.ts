import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Rule } from '../rule/rule.ts';
import { parseRule } from '../rule/rule.ts';
import { ruleText } from '../rule/text.ts';
import { compileRule } from './registry.ts';

const capturedMs = Date.UTC(2026, 10, 22, 19, 17);

const rules: Omit<Rule, 'v'>[] = [
  { parse: { type: 'syslog' } },
  { parse: { type: 'syslog', format: 'rfc5424' } },
  { parse: { type: 'apache_error' } },
  { parse: { type: 'ltsv' } },
  { parse: { type: 'ltsv', pattern: '[;,]', flags: '' } },
  { parse: { type: 'csv', keys: ['a', 'b', '__proto__'] } },
  { parse: { type: 'csv', keys: ['a', 'b'], delimiter: '\t', quote: false } },
  { parse: { type: 'logfmt' } },
  { parse: { type: 'cri' } },
  { parse: { type: 'docker', inner: { parse: { type: 'logfmt' } } } },
  { parse: { type: 'multi', patterns: [{ parse: { type: 'json' } }, { parse: { type: 'none' } }] } },
  { parse: { type: 'none' }, detect: { time: { zone: 'Asia/Seoul' }, level: true } },
  { parse: { type: 'json' }, types: { a: { type: 'array' }, b: { type: 'time' } }, nulls: { empty: true } },
];

const pieces = fc.constantFrom(
  ...'a b=c: ,;"\\[]<>{}\t\n\0-é😀'.split(' '),
  '2026-11-22 19:16:48',
  '2026-11-22T19:16:48.123Z',
  'Nov 22 19:16:48 ',
  '22/Nov/2026:19:16:48 +0000',
  'Sun Nov 22 19:16:48 2026',
  'I1122 19:16:48.5 ',
  '1795375008',
  '<13>',
  '<34>1 ',
  ' stdout F ',
  '{"log":"x\\n","time":"',
  ' host prog[1]: ',
  '[core:error] ',
  'ERROR',
  'level=',
  '__proto__',
  ' ',
);

test('every parser answers any text, the same each time and whatever came before', () => {
  const text = fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(fc.constantFrom(...rules), text, text, (rule, one, other) => {
      const compiled = compileRule(parseRule(ruleText({ v: 1, ...rule })));
      const first = compiled.parse(one, capturedMs);
      compiled.parse(other, capturedMs);
      assert.deepEqual(compiled.parse(one, capturedMs), first);
      compiled.parse(one, capturedMs + 86_400_000 * 200);
      assert.deepEqual(compiled.parse(one, capturedMs), first);
      assert.equal(Object.getPrototypeOf(first.fields ?? {}), Object.prototype);
    }),
    { numRuns: 2_000 },
  );
});

test('a time that is detected is the same in a line of a known minute as in a line alone', () => {
  const zone = fc.constantFrom('', ' UTC', ' KST', 'Z', '+09:00', ' -0500', ' INFO');
  const line = fc
    .tuple(
      fc.constantFrom(
        '2026-11-22 19:16:',
        '2026-11-22 19:17:',
        'Nov 22 19:16:',
        '22/Nov/2026:19:16:',
        'I1122 19:16:',
      ),
      fc.integer({ min: 0, max: 61 }),
      fc.constantFrom('', '.5', ',123', '.1234567891'),
      zone,
    )
    .map(([start, second, fraction, end]) => `${start}${String(second).padStart(2, '0')}${fraction}${end} x`);
  const detect = { time: { zone: 'Asia/Seoul' }, level: true } as const;
  const rule: Rule = { v: 1, parse: { type: 'none' }, detect };
  const shared = compileRule(rule);
  fc.assert(
    fc.property(line, (text) => {
      assert.deepEqual(shared.parse(text, capturedMs), compileRule(rule).parse(text, capturedMs));
    }),
    { numRuns: 2_000 },
  );
});

test('rules outside of the grammar are refused', () => {
  const refused: object[] = [
    { v: 1, parse: { type: 'msgpack' } },
    { v: 1, parse: { type: 'csv', keys: [] } },
    { v: 1, parse: { type: 'csv', keys: ['a'], delimiter: '' } },
    { v: 1, parse: { type: 'multi', patterns: [] } },
    { v: 1, parse: { type: 'multi', patterns: [{ parse: { type: 'cri' } }] } },
    { v: 1, parse: { type: 'cri', inner: { parse: { type: 'docker' } } } },
    { v: 1, parse: { type: 'none' }, detect: { level: false } },
    { v: 1, parse: { type: 'none' }, types: { a: { type: 'map' } } },
  ];
  for (const rule of refused)
    assert.throws(() => parseRule(JSON.stringify(rule)), { code: 'RULE_INVALID' }, JSON.stringify(rule));
});

test('rules that say what their parsers have no place for are refused when they are compiled', () => {
  const refused: Rule[] = [
    { v: 1, parse: { type: 'cri' }, types: { a: 'integer' } },
    { v: 1, parse: { type: 'multi', patterns: [{ parse: { type: 'none' } }] }, nulls: { empty: true } },
    { v: 1, parse: { type: 'none' }, detect: { time: { zone: 'Nowhere/Land' } } },
    { v: 1, parse: { type: 'ltsv', delimiter: '\ud800' } },
    { v: 1, parse: { type: 'ltsv', pattern: '(?=x)' } },
    { v: 1, parse: { type: 'json' }, nulls: { pattern: '(a)\\1' } },
    { v: 1, parse: { type: 'json' }, types: { t: { type: 'time', format: '%Q' } } },
    { v: 1, parse: { type: 'json' }, time: { key: 't', type: 'string', formats: ['%Q'] } },
  ];
  for (const rule of refused)
    assert.throws(() => compileRule(rule), { code: 'RULE_INVALID' }, JSON.stringify(rule));
});

test('a catastrophic expression comes back, wherever a rule may hold one', () => {
  const module = new URL('./registry.ts', import.meta.url).href;
  const bad = '^(?:(?:a+)+)+$';
  const texts = { line: `${'a'.repeat(900)}!`, pair: `x=${'a'.repeat(900)}!` };
  const cases: [Rule, string][] = [
    [{ v: 1, parse: { type: 'regexp', expression: '^(?<x>(?:a+)+)+$' } }, texts.line],
    [{ v: 1, parse: { type: 'logfmt' }, nulls: { pattern: bad } }, texts.pair],
    [{ v: 1, parse: { type: 'ltsv', pattern: '(?:(?:a+)+)+;' } }, texts.line],
    [
      {
        v: 1,
        parse: {
          type: 'multi',
          patterns: [
            { parse: { type: 'regexp', expression: '^(?<x>(?:a+)+)+$' } },
            { parse: { type: 'logfmt' }, nulls: { pattern: bad } },
          ],
        },
      },
      texts.pair,
    ],
  ];
  const script = `
    const { compileRule } = await import(${JSON.stringify(module)});
    for (const [rule, text] of ${JSON.stringify(cases)}) compileRule(rule).parse(text, 0);
    process.exit(42);`;
  const flags = ['--enable-experimental-regexp-engine-on-excessive-backtracks', '--input-type=module'];
  const child = spawnSync(process.execPath, [...flags, '-e', script], { timeout: 60_000 });
  assert.equal(child.status, 42, String(child.stderr));
});
